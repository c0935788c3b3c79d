import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type { AggregatedDiscoveryService } from '../gen/envoy/service/discovery/v3/ads_pb.js';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { MeshError, type MeshErrorCode } from '../lib/errors.ts';

/** Answers the requests of one delta stream until `context.signal` aborts. */
export type ServeDelta = (
  requests: AsyncIterable<DeltaDiscoveryRequest>,
  context: HandlerContext,
) => AsyncIterable<DeltaDiscoveryResponse>;

const CODES: Partial<Record<MeshErrorCode, Code>> = {
  ERR_LIMIT: Code.ResourceExhausted,
  ERR_WIRE: Code.InvalidArgument,
  ERR_UNREACHABLE: Code.DeadlineExceeded,
  ERR_UNAUTHENTICATED: Code.Unauthenticated,
  ERR_FORBIDDEN: Code.PermissionDenied,
};

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

function discoveryError(error: unknown): unknown {
  const code = MeshError.is(error) ? CODES[error.code] : undefined;
  if (!MeshError.is(error) || code === undefined) return error;
  return new ConnectError(error.message, code, undefined, undefined, error);
}
