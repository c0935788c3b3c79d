import { connect } from 'node:tls';
import { messageOf } from '../../lib/errors.ts';
import { presentedChain } from '../../x509/presented-chain.ts';
import { type Finding, ok } from './finding.ts';

export interface PortQuestion {
  readonly host: string;
  readonly port: number;
  /** Of the certificate that must be served. */
  readonly serial: string;
  /** Default 5 s. */
  readonly timeoutMs?: number;
}

const ANY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Whether the port for sidecars answers, and with the certificate that it should. */
export async function portFinding(question: PortQuestion): Promise<Finding> {
  const { port, serial, timeoutMs = 5_000 } = question;
  const host = ANY[question.host] ?? question.host;
  const where = `${host}:${port}`;
  try {
    const served = await servedSerial(host, port, timeoutMs);
    if (served === serial) return ok('ports', `sidecars reach ${where}`, `serves ${serial}`);
    return {
      ...{ check: 'ports', level: 'problem' },
      what: `${where} serves another certificate than the control plane has`,
      evidence: `serves ${served}, issued was ${serial}`,
      action: 'see what listens there; if it is this control plane, restart it',
    };
  } catch (error) {
    return {
      ...{ check: 'ports', level: 'problem', what: `sidecars cannot reach ${where}` },
      evidence: messageOf(error),
      action: 'see whether the control plane still listens there, and what a firewall lets through',
    };
  }
}

function servedSerial(host: string, port: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    // Nothing is believed by this: only what is shown is compared.
    const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] }, () => {
      resolve(presentedChain(socket)[0]?.serial ?? 'none');
      socket.destroy();
    });
    socket.setTimeout(timeoutMs, () => {
      reject(new Error(`no answer within ${timeoutMs} ms`));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
