import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AggregatedDiscoveryService } from '../gen/envoy/service/discovery/v3/ads_pb.js';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { discoveryError } from './discovery-error.ts';

/** Answers the requests of one delta stream until `context.signal` aborts. */
export type ServeDelta = (
  requests: AsyncIterable<DeltaDiscoveryRequest>,
  context: HandlerContext,
) => AsyncIterable<DeltaDiscoveryResponse>;

/**
 * The gRPC service: `DeltaAggregatedResources` by `serve`, the state-of-the-world variant
 * unimplemented. The router should refuse compression (`acceptCompression: []`), which would be paid
 * per subscriber, and bound messages (`readMaxBytes`).
 */
export function aggregatedDiscovery(
  serve: ServeDelta,
): Partial<ServiceImpl<typeof AggregatedDiscoveryService>> {
  return {
    async *deltaAggregatedResources(requests, context) {
      try {
        yield* serve(requests, context);
      } catch (error) {
        throw discoveryError(error);
      }
    },
  };
}
