import type { Endpoint } from '../../policy/upstream/resolve-upstream.ts';
import { formatAddress } from '../address.ts';

const known = new WeakMap<Endpoint, string>();

/** Name of an endpoint in tables: the address and port that are dialled. Made once for each endpoint. */
export function endpointKey(endpoint: Endpoint): string {
  const present = known.get(endpoint);
  if (present !== undefined) return present;
  const { address, port, transport } = endpoint;
  const dialled = transport.kind === 'hbone' ? transport.port : port;
  const key = formatAddress({ host: address, port: dialled });
  known.set(endpoint, key);
  return key;
}
