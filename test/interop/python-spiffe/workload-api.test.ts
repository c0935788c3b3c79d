import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Identity } from '../../../src/spiffe/identity.ts';
import { LineClient } from '../../kit/line-client.ts';
import { peer } from '../../kit/peer.ts';
import { FRONTEND, SpiffeSocketRig } from '../../kit/spiffe-socket.ts';

const script = fileURLToPath(new URL('./client.py', import.meta.url));

/** A program in Python on the socket. */
class PythonClient extends LineClient {
  constructor(python: string, what: string, { path }: SpiffeSocketRig) {
    super(python, [script, what, `unix://${path}`]);
  }
}

/** As Python writes numbers in hex: without leading zeros. */
function serialOf(identity: Identity): string {
  return BigInt(`0x${identity.svid.chain[0]?.serial}`).toString(16);
}

peer('python-spiffe', (python) => {
  it('fetches its certificate and the bundles', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using client = new PythonClient(python, 'fetch', rig);
    expect(await client.next()).toEqual({
      ...{ id: FRONTEND, serial: serialOf(rig.identity.current), chain: 2 },
      domains: ['cluster.local'],
    });
  });

  it.each(['watch', 'source'])('sees three rotations with a %s', async (what) => {
    await using rig = await SpiffeSocketRig.start();
    await using client = new PythonClient(python, what, rig);
    expect(await client.next()).toMatchObject({ serial: serialOf(rig.identity.current) });
    for (let i = 0; i < 3; i++) {
      rig.rotate();
      expect(await client.next()).toEqual({ id: FRONTEND, serial: serialOf(rig.identity.current) });
    }
  });

  it('comes back by itself when the agent was restarted', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using client = new PythonClient(python, 'watch', rig);
    await client.next();
    await rig.stop();
    rig.rotate();
    await rig.start();
    expect(await client.next()).toEqual({ id: FRONTEND, serial: serialOf(rig.identity.current) });
  });

  it('fetches a token that it and the agent judge alike', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using client = new PythonClient(python, 'jwt', rig);
    expect(await client.next()).toEqual({
      ...{ id: FRONTEND, audience: ['here'], keys: 1, offline: FRONTEND, agent: FRONTEND },
      elsewhere: 'InvalidTokenError',
      agentElsewhere: expect.stringMatching(/Error$/),
    });
  });

  it('is told by status code what it did wrong', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using client = new PythonClient(python, 'raw', rig);
    expect(await client.next()).toEqual({
      with: 'OK',
      without: 'INVALID_ARGUMENT',
      wrong: 'INVALID_ARGUMENT',
      twice: 'INVALID_ARGUMENT',
      jwt: 'OK',
      jwtWithout: 'INVALID_ARGUMENT',
      noAudience: 'INVALID_ARGUMENT',
      otherId: 'PERMISSION_DENIED',
      invalid: 'INVALID_ARGUMENT',
      wit: 'UNIMPLEMENTED',
    });
  });

  it('is given nothing when it runs as another user than those allowed', async () => {
    const uid = (process.getuid?.() ?? 0) + 1;
    await using rig = await SpiffeSocketRig.start({ allowedUids: [uid] });
    await using client = new PythonClient(python, 'raw', rig);
    expect(await client.next()).toMatchObject({
      with: 'PERMISSION_DENIED',
      without: 'PERMISSION_DENIED',
    });
    expect(rig.refused[0]).toMatchObject({ caller: { uid: uid - 1 }, method: 'FetchX509SVID' });
  });
});
