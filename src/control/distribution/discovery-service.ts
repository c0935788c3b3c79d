import type { ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import type { AggregatedDiscoveryService } from '../../gen/envoy/service/discovery/v3/ads_pb.js';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../../gen/envoy/service/discovery/v3/discovery_pb.js';
import { MeshError } from '../../lib/errors.ts';
import { aggregatedDiscovery } from '../../xds/aggregated-discovery.ts';
import { type PeerEvidence, peerEvidenceKey } from '../issuance/peer-evidence.ts';
import { type CallerStreamOptions, callerStream } from '../workloads/caller-stream.ts';
import type { Distribution } from './distribution.ts';
import type { Viewer } from './distribution-events.ts';

export interface DiscoveryOptions extends CallerStreamOptions {
  readonly distribution: Distribution;
  /** Only callers that already have an SVID see facts; enrolment tokens do not count. */
  readonly attestor: Attestor;
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
  const [, issuer] = peer.chain;
  const viewer: Viewer = { id, ...id.workload, signer: issuer?.serial, link: peer };
  const stream = callerStream(id, peer, { revocations, ledger, clock }, [signal]);
  try {
    yield* distribution.serve(requests, viewer, stream.signal);
  } finally {
    stream.done();
  }
}
