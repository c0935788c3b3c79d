import type { ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import type { DelegatedSvidService } from '../../gen/hauberk/identity/v1/delegated_svid_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { grpcError } from '../grpc-error.ts';
import { agentOf } from './delegation.ts';
import type { IssuanceLedger } from './issuance-ledger.ts';
import { peerEvidenceKey } from './peer-evidence.ts';

export interface DelegatedSvidServiceOptions {
  readonly attestor: Attestor;
  readonly ledger: Pick<IssuanceLedger, 'attestorOf' | 'shown'>;
  readonly clock: Clock;
}

/** Hears from agents which certificates of others have arrived: those are never shown to us themselves. */
export function delegatedSvidService({
  attestor,
  ledger,
  clock,
}: DelegatedSvidServiceOptions): ServiceImpl<typeof DelegatedSvidService> {
  return {
    async confirmReceived({ serial }, { values }) {
      try {
        const { chain } = values.get(peerEvidenceKey);
        const { id } = await identifyCaller([attestor], { chain, bearer: undefined });
        if (agentOf(ledger.attestorOf(serial)) !== id.toString()) {
          const text = `"${id}" was given no certificate "${serial.slice(0, 64)}" for anybody else`;
          throw new MeshError('ERR_FORBIDDEN', text);
        }
        ledger.shown(serial, clock.now());
        return {};
      } catch (error) {
        throw grpcError(error);
      }
    },
  };
}
