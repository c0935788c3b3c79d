import type { ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../attestation/attestor.ts';
import { identifyCaller } from '../attestation/identify-caller.ts';
import type { AggregatedDiscoveryService } from '../gen/envoy/service/discovery/v3/ads_pb.js';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { aggregatedDiscovery } from '../xds/aggregated-discovery.ts';
import type { Distribution } from './distribution.ts';
import type { Viewer } from './distribution-events.ts';
import type { IssuanceLedger } from './issuance-ledger.ts';
import { type PeerEvidence, peerEvidenceKey } from './peer-evidence.ts';
import type { Revocations } from './revocations.ts';

export interface DiscoveryOptions {
  readonly distribution: Distribution;
  /** Only callers that already have an SVID see facts; enrolment tokens do not count. */
  readonly attestor: Attestor;
  readonly revocations: Pick<Revocations, 'callers'>;
  /** Is told which certificates are in use. */
  readonly ledger: Pick<IssuanceLedger, 'shown'>;
  readonly clock: Clock;
  /** Ends every stream when the control plane stops. */
  readonly signal: AbortSignal;
}

/**
 * Delta ADS for callers with an SVID, each seeing what its namespace may see, until that SVID
 * expires: who has a newer one comes back with it.
 */
export function discoveryService(
  options: DiscoveryOptions,
): Partial<ServiceImpl<typeof AggregatedDiscoveryService>> {
  return aggregatedDiscovery((requests, context) =>
    serve(requests, context.values.get(peerEvidenceKey), {
      ...options,
      signal: AbortSignal.any([options.signal, context.signal]),
    }),
  );
}

async function* serve(
  requests: AsyncIterable<DeltaDiscoveryRequest>,
  peer: PeerEvidence,
  { distribution, attestor, revocations, ledger, clock, signal }: DiscoveryOptions,
): AsyncGenerator<DeltaDiscoveryResponse> {
  const caller = await identifyCaller([attestor], { chain: peer.chain, bearer: undefined });
  const { id } = caller;
  if (id.workload === undefined) {
    throw new MeshError('ERR_FORBIDDEN', `"${id}" is not the identity of a service account`);
  }
  const [proof, issuer] = peer.chain;
  const viewer: Viewer = { id, ...id.workload, signer: issuer?.serial, link: peer };
  const call = revocations.callers.begin(id.toString(), ...peer.chain.map(({ serial }) => serial));
  ledger.shown(proof?.serial ?? '', clock.now());
  const over = new AbortController();
  const ends = AbortSignal.any([signal, call.signal, over.signal]);
  void untilExpired(proof, clock, ends).then(() => over.abort());
  try {
    yield* distribution.serve(requests, viewer, ends);
  } finally {
    call.done();
    over.abort();
  }
}

/** Resolves when the certificate is no longer valid, or when `signal` aborts. */
async function untilExpired(
  proof: Certificate | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const endsAtMs = proof?.notAfterMs ?? 0;
  while (!signal.aborted && clock.now() < endsAtMs) {
    await clock.sleep(endsAtMs - clock.now(), signal);
  }
}
