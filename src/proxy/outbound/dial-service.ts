import { MeshError } from '../../lib/errors.ts';
import type { Address } from '../address.ts';
import type { Channel } from '../bytes/channel.ts';
import type { UpstreamConnector } from './upstream-connector.ts';

/**
 * A connection of the proxy's own to a service of the mesh.
 *
 * @throws {MeshError} ERR_UNREACHABLE, or ERR_FORBIDDEN when the service's sidecar refuses.
 */
export async function dialService(
  connector: UpstreamConnector,
  service: Address,
): Promise<Channel> {
  const outcome = await connector.connect(service);
  if ('denied' in outcome) throw new MeshError('ERR_FORBIDDEN', outcome.denied);
  if ('problem' in outcome) throw new MeshError('ERR_UNREACHABLE', outcome.problem);
  // Counted as open for the choice of the next endpoint only, which such a short question does not sway.
  outcome.upstream.release();
  return outcome.upstream.channel;
}
