import type { PeerCredentials } from '../../attestation/peer-credentials.ts';
import type { DiscoveryStream } from '../../xds/discovery-connection.ts';
import type { NodeInfo } from '../../xds/node-info.ts';
import type { ServedClient } from './served-clients.ts';

/** Whether the Envoy of one SDS stream holds what it asked for. */
export interface SdsProgress {
  opened(node: NodeInfo, caller: PeerCredentials): void;
  /** To be called when there may be something new. */
  look(): void;
  acknowledged(): void;
  rejected(detail: string): void;
  left(): void;
}

const MOST_NAMED = 4;

/** Keeps the books of the served clients true to what a stream owes, and to what was refused on it. */
export function sdsProgress(
  stream: Pick<DiscoveryStream<never, unknown>, 'owes'>,
  names: readonly string[],
  client: ServedClient,
): SdsProgress {
  const secrets = names.length === 0 ? 'its secrets' : names.slice(0, MOST_NAMED).join(', ');
  let name = 'an Envoy';
  let refused: string | undefined;
  const look = (): void => {
    if (refused !== undefined) client.lags({ name, lacks: `refuses ${secrets}: ${refused}` });
    else if (stream.owes) client.lags({ name, lacks: `has not acknowledged ${secrets} yet` });
    else client.holds();
  };
  return {
    opened({ id }, { pid }) {
      name = id === '' ? `pid ${pid}` : id;
      look();
    },
    look,
    acknowledged() {
      refused = undefined;
      look();
    },
    rejected(detail) {
      refused = detail;
      look();
    },
    left: () => client.left(),
  };
}
