import { connect as connectTls } from 'node:tls';
import { expect, it } from 'vitest';
import { CLIENT_ID, type ProxyPair, startPair } from '../../../test/kit/proxy-pair.ts';

/** What a client of the mesh that knows these groups, and guesses the first, agrees on with a port. */
async function agreed(
  pair: ProxyPair,
  port: 'inbound' | 'hbone',
  groups: string,
): Promise<unknown> {
  const socket = connectTls({
    ...{ ...pair[port], ...pair.authority.pems(pair.authority.issue(CLIENT_ID)) },
    ...{ rejectUnauthorized: false, ecdhCurve: groups },
    ALPNProtocols: port === 'hbone' ? ['h2'] : ['istio'],
  });
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  // Of the two ends only a client is told by Node.
  const info: unknown = socket.getEphemeralKeyInfo();
  socket.on('error', () => undefined);
  socket.destroy();
  return info;
}

it.each(['inbound', 'hbone'] as const)(
  'the %s port takes the hybrid with everybody who knows it, and else what they know',
  async (port) => {
    await using pair = await startPair();
    for (const [groups, name] of [
      ['X25519MLKEM768:X25519', 'X25519MLKEM768'],
      ['X25519:X25519MLKEM768', 'X25519MLKEM768'],
      ['prime256v1:X25519MLKEM768', 'X25519MLKEM768'],
      ['X25519', 'X25519'],
      ['prime256v1', 'prime256v1'],
    ] as const) {
      expect(await agreed(pair, port, groups), groups).toMatchObject({ name });
    }
  },
);
