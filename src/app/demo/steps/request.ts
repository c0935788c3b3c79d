import type { ConnectionRecord } from '../../../proxy/proxy-events.ts';
import type { SidecarStatus } from '../../sidecar/sidecar-status.ts';
import { plainGet } from '../plain-get.ts';
import type { ServiceName } from '../shop.ts';
import type { Stage } from '../stage.ts';
import type { Findings, Step } from '../step.ts';

const HOPS: readonly (readonly [ServiceName, ServiceName])[] = [
  ['frontend', 'products'],
  ['products', 'reviews'],
];

/** A request through three services, and what both ends of each hop know of each other. */
export const request: Step = {
  id: 'request',
  title: 'a request frontend -> products -> reviews travels over mutual TLS at every hop',
  async run(stage, findings) {
    const { status, text } = await plainGet(stage.ports.services.frontend.app);
    findings.note(`GET / -> ${status} ${text.trim()}`);
    findings.check(
      'the answer comes from all three',
      status === 200 && text.includes('"stars"'),
      text.trim(),
    );
    for (const [caller, callee] of HOPS) await inspectHop(stage, findings, caller, callee);
  },
};

async function inspectHop(
  stage: Stage,
  findings: Findings,
  caller: ServiceName,
  callee: ServiceName,
): Promise<void> {
  const host = `${callee}.shop.svc.cluster.local`;
  const client = newest(
    await stage.status(caller),
    ({ direction, service }) => direction === 'outbound' && service?.host === host,
  );
  const server = newest(await stage.status(callee), ({ direction }) => direction === 'inbound');
  if (client === undefined || server === undefined) {
    findings.check(`${caller} -> ${callee} was recorded at both ends`, false, 'no record');
    return;
  }
  const { tlsVersion, cipher, keyExchange } = client;
  findings.note(
    `${client.ownId} -> ${client.peerId}  ${client.transport}, ${tlsVersion}, ${cipher}, ${keyExchange}`,
  );
  const [from, to] = [caller, callee].map((name) => `spiffe://cluster.local/ns/shop/sa/${name}`);
  const ids = `${caller} saw ${client.peerId}, ${callee} saw ${server.peerId}`;
  findings.check(
    `${caller} and ${callee} know each other`,
    client.peerId === to && server.peerId === from,
    ids,
  );
  findings.check(
    'both ends saw the same certificates',
    client.ownSerial === server.peerSerial && client.peerSerial === server.ownSerial,
    `${client.ownSerial} and ${client.peerSerial}`,
  );
  findings.check(
    `${caller} -> ${callee} is TLS 1.3 with a hybrid post-quantum key exchange`,
    tlsVersion === 'TLSv1.3' && keyExchange === 'X25519MLKEM768',
    `${tlsVersion} ${cipher} ${keyExchange}`,
  );
}

function newest(
  { recent }: SidecarStatus,
  wanted: (record: ConnectionRecord) => boolean,
): ConnectionRecord | undefined {
  return recent
    .filter(({ event }) => event === 'connectionOpened')
    .map(({ record }) => record as ConnectionRecord)
    .findLast(wanted);
}
