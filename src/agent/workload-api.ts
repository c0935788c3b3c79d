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
import type { Identity } from '../spiffe/identity.ts';
import type { TrustBundle } from '../spiffe/trust-bundle.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type Entitlement, entitlementKey, isEntitled } from './entitlement.ts';
import { usableCrls } from './mesh-crls.ts';
import { entitlementLost, identityPending } from './socket-caller.ts';

export interface WorkloadApiOptions {
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
      pushed(options, context, (entitlement) => svids(entitlement, options.clock.now())),
    fetchX509Bundles: (_request, context) =>
      pushed(options, context, (entitlement) => bundles(entitlement, options.clock.now())),
  };
}

async function* pushed<Message>(
  { signal }: WorkloadApiOptions,
  context: HandlerContext,
  messageOf: (entitlement: Entitlement) => Message,
): AsyncGenerator<Message> {
  const until = AbortSignal.any([signal, context.signal]);
  for await (const entitlement of newest(context.values.get(entitlementKey), until)) {
    if (!isEntitled(entitlement)) throw entitlementLost();
    if (entitlement.identities.length === 0) throw identityPending();
    yield messageOf(entitlement);
  }
  // Not the end of the entitlement: clients try again, and then find our successor.
  throw new ConnectError('the agent is stopping', Code.Unavailable);
}

function svids({ identities, crls }: Entitlement, nowMs: number): X509SVIDResponse {
  const valid = identities.filter(({ identity }) => endOf(identity) > nowMs);
  const [first] = identities;
  if (valid.length === 0 && first !== undefined) {
    // Unavailable, because clients try again then, and give up for good on other codes.
    const end = new Date(endOf(first.identity)).toISOString();
    throw new ConnectError(
      `the certificate expired at ${end} and was not renewed; see the sidecar's log`,
      Code.Unavailable,
    );
  }
  return create(X509SVIDResponseSchema, {
    svids: valid.map(({ identity: { svid, bundle }, hint }) => ({
      spiffeId: svid.id.toString(),
      x509Svid: der(svid.chain),
      x509SvidKey: Uint8Array.from(svid.privateKey.export({ type: 'pkcs8', format: 'der' })),
      bundle: der(bundle.x509Authorities),
      hint,
    })),
    federatedBundles: bundlesById(first?.identity.federated ?? []),
    crl: usableCrls(crls, nowMs).map(({ der }) => Uint8Array.from(der)),
  });
}

function endOf({ svid }: Identity): number {
  return Math.min(...svid.chain.map(({ notAfterMs }) => notAfterMs));
}

function bundles({ identities: [first], crls }: Entitlement, nowMs: number): X509BundlesResponse {
  if (first === undefined) return create(X509BundlesResponseSchema);
  // All are of one agent, and so of one mind about whom to trust.
  const { bundle, federated = [] } = first.identity;
  return create(X509BundlesResponseSchema, {
    bundles: bundlesById([bundle, ...federated]),
    crl: usableCrls(crls, nowMs).map(({ der }) => Uint8Array.from(der)),
  });
}

function bundlesById(bundles: readonly TrustBundle[]): Record<string, Uint8Array<ArrayBuffer>> {
  return Object.fromEntries(
    bundles.map(({ trustDomain, x509Authorities }) => [trustDomain.id, der(x509Authorities)]),
  );
}

function der(certificates: readonly Certificate[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(certificates.map((certificate) => certificate.der)));
}
