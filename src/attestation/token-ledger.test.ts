import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { memoryTokenRecords } from '../../test/kit/memory-token-records.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import type { AttestedCaller } from './attestor.ts';
import { type TokenLedger, tokenLedger } from './token-ledger.ts';

const PIN = 'ab'.repeat(32);

function setUp(): {
  clock: ManualClock;
  records: ReturnType<typeof memoryTokenRecords>;
  ledger: TokenLedger;
  roots: string[];
} {
  const clock = new ManualClock();
  const records = memoryTokenRecords();
  const trustDomain = TrustDomain.parse('cluster.local');
  const roots = [PIN];
  const ledger = tokenLedger({ records, trustDomain, roots: () => roots, clock });
  return { clock, records, ledger, roots };
}

const request = { namespace: 'shop', serviceAccount: 'reviews', lifetimeMs: 60_000 };

async function callerOf(ledger: TokenLedger, bearer: string): Promise<AttestedCaller> {
  const caller = await ledger.attest({ bearer, chain: [] });
  if (caller === undefined) throw new Error('not taken for a token');
  return caller;
}

describe('tokenLedger', () => {
  it('gives the identity that the token was made for', async () => {
    const { ledger } = setUp();
    const { text } = await ledger.create(request);
    const caller = await callerOf(ledger, text);
    expect(caller.id.toString()).toBe('spiffe://cluster.local/ns/shop/sa/reviews');
    await expect(caller.confirm('key-a')).resolves.toBeUndefined();
  });

  it('keeps no secret', async () => {
    const { ledger, records } = setUp();
    const { text, record } = await ledger.create(request);
    const secret = text.split('.')[2] ?? '';
    expect(secret).toHaveLength(43);
    expect(JSON.stringify([...records.all.values(), record])).not.toContain(secret);
  });

  it('takes a token once', async () => {
    const { ledger } = setUp();
    const { text } = await ledger.create(request);
    await (await callerOf(ledger, text)).confirm('key-a');
    const second = await callerOf(ledger, text);
    await expect(second.confirm('key-b')).rejects.toThrow(
      /was used at 2026-01-01T00:00:00.000Z, it works once/,
    );
  });

  it('answers the same key again, whose first answer may have been lost', async () => {
    const { ledger } = setUp();
    const { text } = await ledger.create(request);
    await (await callerOf(ledger, text)).confirm('key-a');
    await expect((await callerOf(ledger, text)).confirm('key-a')).resolves.toBeUndefined();
  });

  it('takes a token while the root that it names is trusted beside a newer one', async () => {
    const { ledger, roots } = setUp();
    const { text } = await ledger.create(request);
    roots.unshift('cd'.repeat(32));
    await expect(callerOf(ledger, text)).resolves.toMatchObject({ by: 'enrolment-token' });
    expect((await ledger.create(request)).text).toContain('cdcd');
  });

  it('refuses a token of a root that is trusted no more, which a thief may have been shown', async () => {
    const { ledger, roots } = setUp();
    const { text } = await ledger.create(request);
    roots[0] = 'cd'.repeat(32);
    await expect(callerOf(ledger, text)).rejects.toThrow(
      /was made for the root abababababababab…, which this mesh trusts no more/,
    );
  });

  it('lets only one of two win that ask at the same time', async () => {
    const { ledger } = setUp();
    const { text } = await ledger.create(request);
    const both = [await callerOf(ledger, text), await callerOf(ledger, text)];
    const outcomes = await Promise.allSettled(
      both.map((caller, at) => caller.confirm(`key-${at}`)),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('refuses an expired token and says for how long it has been so', async () => {
    const { ledger, clock } = setUp();
    const { text } = await ledger.create(request);
    await clock.advance(90_000);
    await expect(ledger.attest({ bearer: text, chain: [] })).rejects.toThrow(
      /expired 30s ago; make a new one/,
    );
  });

  it('refuses a forged secret in the same words as an unknown token', async () => {
    const { ledger } = setUp();
    const { text } = await ledger.create(request);
    const [version, id, , pin] = text.split('.');
    const forged = [version, id, 'A'.repeat(43), pin].join('.');
    const unknown = [version, '0'.repeat(16), 'A'.repeat(43), pin].join('.');
    await expect(ledger.attest({ bearer: forged, chain: [] })).rejects.toThrow(
      `enrolment token ${id} is not known here`,
    );
    await expect(ledger.attest({ bearer: unknown, chain: [] })).rejects.toThrow(
      /is not known here/,
    );
  });

  it.each(['hbk1.', 'hbk1.x.y.z', `hbk1.${'a'.repeat(5_000)}`])(
    'refuses the malformed %s without quoting it',
    async (bearer) => {
      const { ledger } = setUp();
      await expect(ledger.attest({ bearer, chain: [] })).rejects.toThrow(/not in the form/);
    },
  );

  it.each([undefined, '', 'eyJhbGciOi.J9.x'])('leaves %j to other attestors', async (bearer) => {
    const { ledger } = setUp();
    expect(await ledger.attest({ bearer, chain: [] })).toBeUndefined();
  });
});
