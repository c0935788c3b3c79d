import { connect, type TLSSocket } from 'node:tls';
import { formatDuration } from '../../lib/duration.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { spiffeIdOf } from '../../spiffe/verify-peer.ts';
import { type Certificate, fingerprint } from '../../x509/certificate.ts';
import { validatePath } from '../../x509/path.ts';
import { presentedChain } from '../../x509/presented-chain.ts';
import { addressText, type ControlPlaneAddress } from '../link/control-plane-address.ts';

export interface PinnedRootRequest {
  readonly address: ControlPlaneAddress;
  /** SHA-256 of the root certificate, lower-case hex, as the enrolment token carries it. */
  readonly rootFingerprint: string;
  readonly nowMs: number;
  /** Default 10 s. */
  readonly timeoutMs?: number;
}

/**
 * The trust bundle of the control plane at `address`, found by the pin alone: the chain that it
 * presents must lead to a root with that fingerprint. Nothing is sent to it before.
 *
 * @throws {MeshError} ERR_UNREACHABLE, or ERR_PATH when the pin or the chain does not hold.
 */
export async function fetchPinnedRoot(request: PinnedRootRequest): Promise<TrustBundle> {
  const [leaf, ...rest] = await askForChain(request);
  const where = addressText(request.address);
  const root = rest.find((certificate) => fingerprint(certificate) === request.rootFingerprint);
  if (leaf === undefined || root === undefined) {
    throw new MeshError(
      'ERR_PATH',
      `the control plane at ${where} does not belong to the mesh that made this token: no certificate it presented has the fingerprint ${request.rootFingerprint}; check the address, and make a new token if the root of the mesh was replaced since (\`hauberk token create\`)`,
    );
  }
  const intermediates = rest.filter((certificate) => certificate !== root);
  const path = { leaf, intermediates, roots: [root], purpose: 'serverAuth' } as const;
  try {
    validatePath({ ...path, nowMs: request.nowMs });
  } catch (error) {
    throw blameClock(error, [leaf, ...rest], request.nowMs);
  }
  return TrustBundle.of(spiffeIdOf(leaf).trustDomain, [root]);
}

/**
 * A running control plane shows a certificate that is valid by its own clock: when only the time is
 * wrong, it is this host's clock that differs, and by how much at least.
 */
function blameClock(error: unknown, chain: readonly Certificate[], nowMs: number): unknown {
  if (!MeshError.is(error, 'ERR_PATH')) return error;
  const beginsAtMs = Math.max(...chain.map(({ notBeforeMs }) => notBeforeMs));
  const endsAtMs = Math.min(...chain.map(({ notAfterMs }) => notAfterMs));
  const [side, byMs] =
    nowMs < beginsAtMs
      ? (['behind', beginsAtMs - nowMs] as const)
      : (['ahead of', nowMs - endsAtMs] as const);
  if (byMs <= 0) return error;
  const note = `this host's clock is at least ${formatDuration(byMs)} ${side} that of the control plane, by which the certificate is valid; set the clock here`;
  return new MeshError('ERR_PATH', `${error.message}; ${note}`, { cause: error });
}

async function askForChain({
  address,
  timeoutMs = 10_000,
}: PinnedRootRequest): Promise<Certificate[]> {
  const where = addressText(address);
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const failed = (reason: string, cause?: unknown): void => {
      opened.destroy();
      reject(
        new MeshError('ERR_UNREACHABLE', `cannot reach the control plane at ${where}: ${reason}`, {
          cause,
        }),
      );
    };
    const opened = connect(
      // The pin decides below; a chain to a public authority would prove nothing here.
      { ...address, rejectUnauthorized: false, minVersion: 'TLSv1.3', ALPNProtocols: ['h2'] },
      () => resolve(opened),
    );
    opened.setTimeout(timeoutMs, () => failed(`no answer within ${timeoutMs} ms`));
    opened.once('error', (cause) => failed(messageOf(cause), cause));
  });
  try {
    return presentedChain(socket);
  } finally {
    socket.destroy();
  }
}
