import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { enrolled } from '../kit/enrolled.ts';
import { hauberk } from '../kit/hauberk.ts';

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(() => plane.close());

async function json(...args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await hauberk([
    ...args,
    ...['-o', 'json', '--data-dir', plane.dataDir],
  ]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe('hauberk certs', () => {
  it('lists who was given what, by whom and whence, and keeps it over a restart', async () => {
    const first = await enrolled(plane, 'reviews');
    const second = await first.renew();
    const list = async () =>
      ((await json('certs', 'list', '--identity', REVIEWS)) as { items: object[] }).items;
    const expected = [
      { serial: second.serial, id: REVIEWS, attestor: 'svid' },
      { serial: first.serial, id: REVIEWS, attestor: 'enrolment-token' },
    ];
    expect(await list()).toMatchObject(expected);
    const [newest] = await list();
    expect(newest).toMatchObject({
      issuerSerial: second.identity.svid.chain[1]?.serial,
      peerAddress: expect.stringMatching(/^(::ffff:)?127\.0\.0\.1:\d+$/),
    });
    const { dataDir } = plane;
    await plane.stop();
    plane = await controlPlaneRig({ dataDir });
    expect(await list()).toMatchObject(expected);
  });

  it('enters the certificate of the control plane itself', async () => {
    const { items } = (await json('certs', 'list')) as { items: { attestor: string }[] };
    expect(items.filter(({ attestor }) => attestor === 'control-plane').length).toBeGreaterThan(0);
  });

  it('lists page by page', async () => {
    interface Page {
      readonly items: readonly { readonly serial: string }[];
      readonly total: number;
      readonly continue?: string;
    }
    const list = async (...args: readonly string[]): Promise<Page> =>
      (await json('certs', 'list', ...args)) as Page;
    await enrolled(plane, 'reviews');
    const all = await list('--limit', '0');
    expect(all.continue).toBeUndefined();
    expect(all.items).toHaveLength(all.total);
    const first = await list('--limit', '2');
    expect(first).toMatchObject({ items: all.items.slice(0, 2), total: all.total });
    const rest = await list('--continue', first.continue ?? '');
    expect(rest.items).toEqual(all.items.slice(2));
    const args = ['certs', 'list', '--limit', '1', '--data-dir', plane.dataDir];
    const { stdout } = await hauberk(args);
    expect(stdout).toMatch(/\n\(1 of \d+; the next: --continue \d+-[0-9a-f]+\)\n$/);
  });

  it('shows one by its serial, by the beginning of that, and as openssl writes it', async () => {
    const { serial } = await enrolled(plane, 'products');
    const colons = serial.toUpperCase().replace(/..(?=.)/g, '$&:');
    for (const text of [serial, serial.slice(0, 7), colons]) {
      expect(await json('certs', 'show', text)).toMatchObject({ serial });
    }
  });

  it.each([
    [['show', 'abcdef0123'], 1, /no certificate with the serial "abcdef0123" is on record/],
    [['show', 'hello'], 2, /is not a serial number/],
    [['list', '--limit', 'many'], 2, /"many" is no limit/],
    [['list', '--identity', 'reviews'], 1, /"reviews" is not a SPIFFE ID/],
    [['list', '--limit', '-1'], 2, /"-1" is no limit/],
    [['list', '--continue', 'here'], 2, /"here" is not where a list goes on/],
  ])('refuses %j with one sentence', async (args, code, message) => {
    const answer = await hauberk(['certs', ...args, '--data-dir', plane.dataDir]);
    expect(answer).toMatchObject({ code, stderr: expect.stringMatching(message) });
    expect(answer.stderr.trim().split('\n')).toHaveLength(1);
  });
});
