import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import {
  type Health,
  HealthCheckResponse_ServingStatus as Status,
} from '../../gen/grpc/health/v1/health_pb.js';
import { nodeHeader, skewHeader } from '../../xds/heartbeat-headers.ts';
import { peerEvidenceKey } from '../issuance/peer-evidence.ts';
import type { AgentClocks } from './agent-clocks.ts';

export interface HeartbeatServiceOptions {
  readonly attestor: Attestor;
  readonly clocks: AgentClocks;
}

/**
 * The gRPC health protocol of the control plane, for whoever asks. An agent that shows its SVID tells
 * with it how far its clock is from ours.
 */
export function heartbeatService({
  attestor,
  clocks,
}: HeartbeatServiceOptions): Partial<ServiceImpl<typeof Health>> {
  return {
    async check({ service }, context) {
      if (service !== '') {
        throw new ConnectError(`no such service: "${service.slice(0, 100)}"`, Code.NotFound);
      }
      const skew = context.requestHeader.get(skewHeader);
      if (skew !== null) {
        const { chain } = context.values.get(peerEvidenceKey);
        // Nobody has to be known to be told that we are well.
        const caller = await attestor.attest({ chain, bearer: undefined }).catch(() => undefined);
        const node = context.requestHeader.get(nodeHeader) ?? '';
        if (caller !== undefined) clocks.report(caller.id, node, skew);
      }
      return { status: Status.SERVING };
    },
  };
}
