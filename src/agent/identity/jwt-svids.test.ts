import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { MeshError } from '../../lib/errors.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { signJwtSvid } from '../../spiffe/jwt-svid.ts';
import { jwtSvids } from './jwt-svids.ts';

const LIFETIME_MS = 300_000;

function setUp() {
  const clock = new ManualClock();
  const authority = testAuthority({ nowMs: clock.now() });
  const identity = new WatchableValue(authority.identity('spiffe://cluster.local/ns/a/sa/b'));
  const asked: string[][] = [];
  const state: { failure: Error | undefined } = { failure: undefined };
  const tokens = jwtSvids({
    clock,
    mint: async ({ svid: { id } }, audience) => {
      asked.push([...audience]);
      if (state.failure !== undefined) throw state.failure;
      return signJwtSvid({
        ...{ id, audience, nowMs: clock.now(), lifetimeMs: LIFETIME_MS },
        ...{ tokenId: String(asked.length), signer: authority.jwtSigner },
      });
    },
  });
  const idOf = async (...audience: string[]) =>
    (await tokens.get(identity.current, audience)).claims['jti'];
  return { clock, authority, identity, asked, state, idOf };
}

describe('the tokens of a workload', () => {
  it('are minted anew at half of their life', async () => {
    const { clock, idOf } = setUp();
    expect(await idOf('web')).toBe('1');
    await clock.advance(LIFETIME_MS / 2 - 1);
    expect(await idOf('web')).toBe('1');
    await clock.advance(1);
    expect(await idOf('web')).toBe('2');
  });

  it('are one for each set of audiences, in any order', async () => {
    const { idOf, asked } = setUp();
    expect(await idOf('a', 'b')).toBe('1');
    expect(await idOf('b', 'a', 'b')).toBe('1');
    expect(await idOf('a')).toBe('2');
    expect(asked).toEqual([['a', 'b'], ['a']]);
  });

  it('are asked for once when many want the same', async () => {
    const { idOf, asked } = setUp();
    expect(await Promise.all([idOf('web'), idOf('web'), idOf('web')])).toEqual(['1', '1', '1']);
    expect(asked).toHaveLength(1);
  });

  it('stay in use until they expire while no new one is to be had', async () => {
    const { clock, state, idOf } = setUp();
    await idOf('web');
    state.failure = new MeshError('ERR_UNREACHABLE', 'away');
    await clock.advance(LIFETIME_MS - 1);
    expect(await idOf('web')).toBe('1');
    await clock.advance(1);
    await expect(idOf('web')).rejects.toThrow('away');
    state.failure = undefined;
    expect(await idOf('web')).toBe('4');
  });

  it('are given no more once the control plane refuses', async () => {
    const { clock, state, idOf } = setUp();
    await idOf('web');
    await clock.advance(LIFETIME_MS / 2);
    state.failure = new MeshError('ERR_UNAUTHENTICATED', 'revoked');
    await expect(idOf('web')).rejects.toThrow('revoked');
  });

  it('are replaced when their key was withdrawn from the bundle', async () => {
    const { authority, identity, idOf } = setUp();
    await idOf('web');
    const { bundle } = identity.current;
    const [key] = testAuthority().bundle.jwtAuthorities;
    const other = bundle.withJwtAuthorities(key === undefined ? [] : [{ ...key, keyId: 'new' }]);
    identity.set({ ...identity.current, bundle: other });
    expect(await idOf('web')).toBe('2');
    identity.set({ ...identity.current, bundle: authority.bundle });
    expect(await idOf('web')).toBe('2');
  });

  it('are kept for 256 sets of audiences at most', async () => {
    const { idOf, asked } = setUp();
    for (let i = 0; i < 257; i++) await idOf(String(i));
    await idOf('256');
    await idOf('1');
    expect(asked).toHaveLength(257);
    await idOf('0');
    expect(asked).toHaveLength(258);
  });
});
