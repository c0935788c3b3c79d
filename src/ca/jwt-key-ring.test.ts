import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { type JwtKeyRing, type JwtKeyStore, openJwtKeyRing } from './jwt-key-ring.ts';
import { decodeJwtKeys, encodeJwtKeys } from './jwt-keys.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Keeps the stored text, as a Secret would. */
function textStore(): JwtKeyStore & { text: string | undefined; saves: number } {
  return {
    text: undefined,
    saves: 0,
    async load() {
      return this.text === undefined ? undefined : decodeJwtKeys(this.text);
    },
    async save(keys) {
      this.text = encodeJwtKeys(keys);
      this.saves += 1;
    },
  };
}

async function setUp() {
  const clock = new ManualClock();
  const store = textStore();
  const open = (): Promise<JwtKeyRing> => openJwtKeyRing({ store, clock });
  return { clock, store, open, ring: await open() };
}

const published = ({ authorities }: JwtKeyRing): readonly string[] =>
  authorities.current.map(({ keyId }) => keyId);

describe('the key ring', () => {
  it('signs with the same key after a restart', async () => {
    const { ring, open, clock } = await setUp();
    const { keyId } = await ring.signingKey(clock.now() + HOUR);
    const again = await open();
    expect((await again.signingKey(clock.now() + HOUR)).keyId).toBe(keyId);
    expect(published(again)).toEqual([keyId]);
  });

  it('publishes the next key 3 days before it signs, and keeps the old one for its last token', async () => {
    const { ring, clock, open } = await setUp();
    const first = await ring.signingKey(clock.now() + HOUR);
    expect(await ring.rotateWhenDue()).toEqual([]);
    await clock.advance(27 * DAY);
    expect(await ring.rotateWhenDue()).toEqual(['prepare']);
    const [, second] = published(ring);
    expect(published(ring)).toHaveLength(2);
    expect((await ring.signingKey(clock.now() + 9 * DAY)).keyId).toBe(first.keyId);
    await clock.advance(3 * DAY - 1);
    expect(await ring.rotateWhenDue()).toEqual([]);
    await clock.advance(1);
    expect(await ring.rotateWhenDue()).toEqual(['activate']);
    expect((await ring.signingKey(clock.now() + HOUR)).keyId).toBe(second);
    await clock.advance(6 * DAY - 1);
    expect(published(await open())).toEqual([second, first.keyId]);
    expect(await ring.rotateWhenDue()).toEqual([]);
    await clock.advance(HOUR + 1);
    expect(await ring.rotateWhenDue()).toEqual(['retire']);
    expect(published(ring)).toEqual([second]);
    expect(published(await open())).toEqual([second]);
  });

  it('does not sign with a key that nobody could know yet, however long it was away', async () => {
    const { clock, open } = await setUp();
    await clock.advance(400 * DAY);
    const ring = await open();
    const [first] = published(ring);
    expect(await ring.rotateWhenDue()).toEqual(['prepare']);
    await clock.advance(3 * DAY - 1);
    await ring.rotateWhenDue();
    expect((await ring.signingKey(clock.now() + HOUR)).keyId).toBe(first);
    await clock.advance(1);
    expect(await ring.rotateWhenDue()).toEqual(['activate']);
  });

  it('writes down how long a key is needed before the token is out, and seldom', async () => {
    const { ring, clock, store } = await setUp();
    for (let i = 0; i < 100; i++) await ring.signingKey(clock.now() + 5 * 60_000 + i * 1_000);
    expect(store.saves).toBe(2);
    await clock.advance(HOUR + 1);
    await ring.signingKey(clock.now() + 5 * 60_000);
    expect(store.saves).toBe(3);
  });

  it('tells its watchers of new keys and not of use', async () => {
    const { ring, clock } = await setUp();
    const seen: number[] = [];
    ring.authorities.subscribe((keys) => seen.push(keys.length));
    await ring.signingKey(clock.now() + HOUR);
    await clock.advance(27 * DAY);
    await ring.rotateWhenDue();
    expect(seen).toEqual([2]);
  });

  it('believes nothing of a stolen key from the moment it is replaced', async () => {
    const { ring, clock, open } = await setUp();
    const stolen = await ring.signingKey(clock.now() + HOUR);
    await ring.replaceCompromised();
    expect(published(ring)).not.toContain(stolen.keyId);
    expect(published(ring)).toEqual(published(await open()));
    expect((await ring.signingKey(clock.now() + HOUR)).keyId).toBe(published(ring)[0]);
  });

  it('changes nothing when the disk does not take it', async () => {
    const { ring, clock, store } = await setUp();
    const before = published(ring);
    await clock.advance(27 * DAY);
    store.save = () => Promise.reject(new Error('the disk is full'));
    await expect(ring.rotateWhenDue()).rejects.toThrow('the disk is full');
    await expect(ring.signingKey(clock.now() + HOUR)).rejects.toThrow('the disk is full');
    expect(published(ring)).toEqual(before);
  });

  it('does not quote stored keys that cannot be read', () => {
    const text = '{"current":{"key":"-----BEGIN PRIVATE KEY-----\\nAAAA"}}';
    expect(() => decodeJwtKeys(text)).toThrow(
      expect.objectContaining({ code: 'ERR_STORE', message: expect.not.stringContaining('AAAA') }),
    );
  });
});
