import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import {
  type SpiffeWorkloadAPI,
  type X509BundlesResponse,
  X509BundlesResponseSchema,
  type X509SVIDResponse,
  X509SVIDResponseSchema,
} from '../gen/spiffe/workload_pb.js';
import type { Clock } from '../lib/clock.ts';
import { newest } from '../lib/newest.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { Identity } from '../spiffe/identity.ts';
import type { Certificate } from '../x509/certificate.ts';

export interface WorkloadApiOptions {
  readonly identity: Watchable<Identity>;
  readonly clock: Clock;
  /** Ends every stream. */
  readonly signal: AbortSignal;
}

/**
 * The X.509 profile of the SPIFFE Workload API. Each message is the whole state: at once, and again
 * with each rotation.
 */
export function workloadApi(
  options: WorkloadApiOptions,
): Pick<ServiceImpl<typeof SpiffeWorkloadAPI>, 'fetchX509SVID' | 'fetchX509Bundles'> {
  return {
    fetchX509SVID: (_request, context) =>
      pushed(options, context, (identity) => svids(identity, options.clock.now())),
    fetchX509Bundles: (_request, context) => pushed(options, context, bundles),
  };
}

async function* pushed<Message>(
  { identity, signal }: WorkloadApiOptions,
  context: HandlerContext,
  messageOf: (identity: Identity) => Message,
): AsyncGenerator<Message> {
  const until = AbortSignal.any([signal, context.signal]);
  for await (const current of newest(identity, until)) yield messageOf(current);
  // Not the end of the entitlement: clients try again, and then find our successor.
  throw new ConnectError('the agent is stopping', Code.Unavailable);
}

function svids({ svid, bundle }: Identity, nowMs: number): X509SVIDResponse {
  const expiredAtMs = Math.min(...svid.chain.map(({ notAfterMs }) => notAfterMs));
  if (expiredAtMs <= nowMs) {
    // Unavailable, because clients give up for good on other codes.
    throw new ConnectError(
      `the certificate expired at ${new Date(expiredAtMs).toISOString()} and was not renewed; see the sidecar's log`,
      Code.Unavailable,
    );
  }
  return create(X509SVIDResponseSchema, {
    svids: [
      {
        spiffeId: svid.id.toString(),
        x509Svid: der(svid.chain),
        x509SvidKey: Uint8Array.from(svid.privateKey.export({ type: 'pkcs8', format: 'der' })),
        bundle: der(bundle.x509Authorities),
      },
    ],
  });
}

function bundles({ bundle }: Identity): X509BundlesResponse {
  return create(X509BundlesResponseSchema, {
    bundles: { [bundle.trustDomain.id]: der(bundle.x509Authorities) },
  });
}

function der(certificates: readonly Certificate[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(certificates.map((certificate) => certificate.der)));
}
