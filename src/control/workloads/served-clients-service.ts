import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import type { ServedClientsService } from '../../gen/hauberk/identity/v1/served_clients_pb.js';
import { grpcError } from '../grpc-error.ts';
import { peerEvidenceKey } from '../issuance/peer-evidence.ts';
import type { ServedClients } from './served-clients.ts';

export interface ServedClientsServiceOptions {
  /** Only who has an SVID is listened to. */
  readonly attestor: Attestor;
  readonly clients: ServedClients;
}

const MOST_REPORTED = 64;
const LONGEST_NAME = 256;
const LONGEST_LACK = 512;

/** Hears from agents who is behind them. What one says counts for the discovery stream of its own link only. */
export function servedClientsService({
  attestor,
  clients,
}: ServedClientsServiceOptions): ServiceImpl<typeof ServedClientsService> {
  return {
    async reportLagging({ lagging }, { values }) {
      const link = values.get(peerEvidenceKey);
      try {
        await identifyCaller([attestor], { chain: link.chain, bearer: undefined });
      } catch (error) {
        throw grpcError(error);
      }
      const tooLong = lagging.find(
        ({ name, lacks }) => name.length > LONGEST_NAME || lacks.length > LONGEST_LACK,
      );
      if (lagging.length > MOST_REPORTED || tooLong !== undefined) {
        throw new ConnectError(
          `at most ${MOST_REPORTED} clients, their names of ${LONGEST_NAME} and what they lack of ${LONGEST_LACK} characters, are taken`,
          Code.InvalidArgument,
        );
      }
      clients.report(link, lagging);
      return {};
    },
  };
}
