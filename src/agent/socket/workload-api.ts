import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import {
  type SpiffeWorkloadAPI,
  type X509BundlesResponse,
  X509BundlesResponseSchema,
  type X509SVIDResponse,
  X509SVIDResponseSchema,
} from '../../gen/spiffe/workload_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { newest } from '../../lib/newest.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { usableCrls } from '../facts/mesh-crls.ts';
import { type Entitlement, entitlementKey, isEntitled } from '../identity/entitlement.ts';
import type { ServedClients } from './served-clients.ts';
import { callerKey, entitlementLost, identityPending } from './socket-caller.ts';

export interface WorkloadApiOptions {
  readonly clock: Clock;
  /** Is told to whom something could not be written yet. */
  readonly served: Pick<ServedClients, 'join'>;
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
  { signal, served }: WorkloadApiOptions,
  context: HandlerContext,
  messageOf: (entitlement: Entitlement) => Message,
): AsyncGenerator<Message> {
  const until = AbortSignal.any([signal, context.signal]);
  const source = context.values.get(entitlementKey);
  const { pid } = context.values.get(callerKey).credentials;
  const client = served.join(pid, context.method.name);
  const lags = (): void => client.lags(unwritten(pid));
  lags();
  const stop = source.subscribe(lags);
  try {
    for await (const entitlement of newest(source, until)) {
      if (!isEntitled(entitlement)) throw entitlementLost();
      if (entitlement.identities.length === 0) throw identityPending();
      yield messageOf(entitlement);
      // The protocol has no acknowledgement: that it went into the stream is the best there is.
      if (source.current === entitlement) client.holds();
    }
  } finally {
    stop();
    client.left();
  }
  // Not the end of the entitlement: clients try again, and then find our successor.
  throw new ConnectError('the agent is stopping', Code.Unavailable);
}

function unwritten(pid: number) {
  return {
    name: `pid ${pid}`,
    lacks: 'does not read what the Workload API has for it',
  };
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
