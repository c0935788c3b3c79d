import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import type { ForeignKey } from './json-web-keys.ts';
import { JwksSource } from './jwks-source.ts';

const DAY_MS = 86_400_000;
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A source of keys with these IDs, which may be changed, and a count of how often they were fetched. */
function rig(...ids: string[]) {
  const clock = new ManualClock();
  const issuer = { ids: ids as readonly string[], away: false, asked: 0 };
  const fetch = async (): Promise<readonly ForeignKey[]> => {
    issuer.asked += 1;
    if (issuer.away) throw new Error('away');
    return issuer.ids.map((keyId) => ({ keyId, publicKey }));
  };
  return { clock, issuer, source: new JwksSource({ fetch, clock }) };
}

it('finds a key that is new within 30 seconds, although the wall clock was set back', async () => {
  const { clock, issuer, source } = rig('one');
  expect(await source.keys('one')).toHaveLength(1);
  clock.setBy(-DAY_MS);
  issuer.ids = ['one', 'two'];
  await clock.advance(30_000);
  expect(await source.keys('two')).toHaveLength(1);
});

it('fetches keys again after ten minutes by a clock that nobody sets', async () => {
  const { clock, issuer, source } = rig('one');
  await source.keys('one');
  clock.setBy(DAY_MS);
  await source.keys('one');
  expect(issuer.asked).toBe(1);
  clock.setBy(-2 * DAY_MS);
  await clock.advance(10 * 60_000);
  await source.keys('one');
  expect(issuer.asked).toBe(2);
});

it('believes keys for a day and no longer while the issuer is away, whatever the wall clock says', async () => {
  const { clock, issuer, source } = rig('one');
  await source.keys('one');
  issuer.away = true;
  clock.setBy(2 * DAY_MS);
  await clock.advance(DAY_MS - 1);
  expect(await source.keys('one')).toHaveLength(1);
  clock.setBy(-4 * DAY_MS);
  await clock.advance(1);
  await expect(source.keys('one')).rejects.toThrow('away');
});
