import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Channel } from '../bytes/channel.ts';
import { Deadlines } from '../deadlines.ts';
import type { HboneClientSession, OpenOutcome } from '../hbone/hbone-transport.ts';
import { type PooledSession, SessionPool, type SessionTarget } from './session-pool.ts';

const LIFETIME_MS = 100_000;

const target: SessionTarget = {
  address: { host: '10.0.0.1', port: 15_008 },
  expectedIds: ['spiffe://cluster.local/ns/shop/sa/reviews'],
};
const channel: Channel = {
  start: () => undefined,
  write: () => true,
  end: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  reset: () => undefined,
};

/** A session that answers what it is told to, in memory. */
class FakeSession implements HboneClientSession {
  streams = 0;
  draining = false;
  answer: OpenOutcome = { outcome: 'opened', channel };
  readonly #room: number;
  readonly #closed = Promise.withResolvers<string>();

  constructor(room = 100) {
    this.#room = room;
  }

  get available(): number {
    return this.draining ? 0 : this.#room - this.streams;
  }

  get closed(): Promise<string> {
    return this.#closed.promise;
  }

  open(): Promise<OpenOutcome> {
    if (this.answer.outcome === 'opened') this.streams += 1;
    if (this.answer.outcome === 'unprocessed') this.draining = true;
    return Promise.resolve(this.answer);
  }

  probe(): void {}

  drain(): void {
    this.draining = true;
    if (this.streams === 0) this.#closed.resolve('drained');
  }

  destroy(reason: string): void {
    this.draining = true;
    this.#closed.resolve(reason);
  }
}

interface FakeDials {
  readonly pool: SessionPool;
  readonly sessions: FakeSession[];
  readonly clock: ManualClock;
  /** Lets all dials fail from now on. */
  readonly refuse: () => void;
}

/** A pool whose dials give these sessions in turn, then plain ones. */
function poolOf(...prepared: readonly FakeSession[]): FakeDials {
  const sessions: FakeSession[] = [];
  const clock = new ManualClock();
  let refusing = false;
  const pool = new SessionPool(async (): Promise<PooledSession> => {
    if (refusing) throw new MeshError('ERR_UNREACHABLE', 'refused');
    const session = prepared[sessions.length] ?? new FakeSession();
    sessions.push(session);
    await Promise.resolve();
    return {
      ...{
        session,
        ownSerial: '01',
        peer: {
          id: 'spiffe://x/y',
          principal: 'x/y',
          issuer: 'CN=authority',
          certificateHash: '',
          serial: '02',
          authoritySerials: [],
          notAfterMs: 0,
        },
      },
      tls: { tlsVersion: 'TLSv1.3', cipher: undefined, keyExchange: null },
      notAfterMs: clock.now() + LIFETIME_MS,
    };
  }, clock);
  const refuse = (): void => {
    refusing = true;
  };
  return { pool, sessions, clock, refuse };
}

const openMany = (pool: SessionPool, count: number) =>
  Promise.all(Array.from({ length: count }, () => pool.open(target, '10.0.0.1:80')));

describe('SessionPool', () => {
  it('keeps who has less patience waiting no longer than that, and goes on for the others', async () => {
    const clock = new ManualClock();
    const made = Promise.withResolvers<PooledSession>();
    const { pool: ready } = poolOf();
    const pool = new SessionPool(() => made.promise, clock);
    const patient = pool.open(target, '10.0.0.1:80');
    const impatient = pool.open(target, '10.0.0.1:80', new Deadlines(clock, 1_000));
    const refused = expect(impatient).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      message:
        'cannot connect to 10.0.0.1:15008: it does not answer within the connectTimeout of the service',
    });
    await clock.advance(1_000);
    await refused;
    const { via } = await ready.open(target, '10.0.0.1:80');
    made.resolve(via);
    expect(await patient).toMatchObject({ outcome: { outcome: 'opened' } });
  });

  it('shares one dial among all who come while it goes on', async () => {
    const { pool, sessions } = poolOf();
    await openMany(pool, 50);
    await openMany(pool, 50);
    expect(sessions).toHaveLength(1);
  });

  it('never gives a session more streams than it has room for', async () => {
    const { pool, sessions } = poolOf(new FakeSession(4), new FakeSession(4), new FakeSession(4));
    await openMany(pool, 10);
    expect(sessions.map(({ streams }) => streams)).toEqual([4, 4, 2]);
  });

  it('keeps peers apart by address and by expected identity', async () => {
    const { pool, sessions } = poolOf();
    await pool.open(target, 'a:1');
    await pool.open({ ...target, expectedIds: ['spiffe://cluster.local/other'] }, 'a:1');
    await pool.open({ ...target, address: { host: '10.0.0.2', port: 15_008 } }, 'a:1');
    expect(sessions).toHaveLength(3);
  });

  it('repeats what a draining peer has not acted on with another session', async () => {
    const draining = new FakeSession();
    draining.answer = { outcome: 'unprocessed' };
    const { pool, sessions } = poolOf(draining);
    const { outcome, via } = await pool.open(target, 'a:1');
    expect(outcome.outcome).toBe('opened');
    expect(via.session).toBe(sessions[1]);
  });

  it('gives up on a peer that never answers a request', async () => {
    const unwilling = Array.from({ length: 10 }, () => {
      const session = new FakeSession();
      session.answer = { outcome: 'unprocessed' };
      return session;
    });
    const { pool, sessions } = poolOf(...unwilling);
    await expect(pool.open(target, 'a:1')).rejects.toThrow(/ended 3 sessions/);
    expect(sessions).toHaveLength(3);
  });

  it('gives up on a peer whose sessions end at once', async () => {
    const { pool, sessions } = poolOf(...Array.from({ length: 10 }, () => new FakeSession(0)));
    await expect(pool.open(target, 'a:1')).rejects.toThrow(/ended 3 sessions/);
    expect(sessions).toHaveLength(3);
  });

  it('tells all who wait why a dial failed, and dials again for who comes later', async () => {
    let dials = 0;
    const pool = new SessionPool(() => {
      dials += 1;
      return Promise.reject(new MeshError('ERR_UNREACHABLE', 'nothing listens there'));
    }, new ManualClock());
    const results = await Promise.allSettled([pool.open(target, 'a:1'), pool.open(target, 'a:1')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(dials).toBe(1);
    await expect(pool.open(target, 'a:1')).rejects.toThrow(/nothing listens/);
    expect(dials).toBe(2);
  });

  it('replaces sessions on rotation at once, and lets the old ones finish', async () => {
    const { pool, sessions } = poolOf();
    await pool.open(target, 'a:1');
    pool.rotate();
    expect(sessions).toHaveLength(2);
    expect(sessions[0]?.draining).toBe(true);
    const { via } = await pool.open(target, 'a:1');
    expect(via.session).toBe(sessions[1]);
  });

  it('does not use a session that was dialled before a rotation and came after it', async () => {
    const { pool, sessions } = poolOf();
    const opening = pool.open(target, 'a:1');
    pool.rotate();
    const { via } = await opening;
    expect(via.session).toBe(sessions[1]);
    expect(sessions[0]?.draining).toBe(true);
  });

  it('shares the dial of after a rotation also when that of before comes late', async () => {
    const dials: ((session: PooledSession) => void)[] = [];
    const { pool: prepared, sessions } = poolOf();
    const { via: pooled } = await prepared.open(target, 'a:1');
    const pool = new SessionPool(
      () => new Promise((resolve) => void dials.push(resolve)),
      new ManualClock(),
    );
    const before = pool.open(target, 'a:1');
    pool.rotate();
    const after = pool.open(target, 'a:1');
    expect(dials).toHaveLength(2);
    dials[0]?.({ ...pooled, session: new FakeSession() });
    await new Promise(setImmediate);
    const later = pool.open(target, 'a:1');
    expect(dials).toHaveLength(2);
    dials[1]?.(pooled);
    for (const opening of [before, after, later]) {
      expect((await opening).via.session).toBe(sessions[0]);
    }
  });

  it('forgets a session that is gone', async () => {
    const { pool, sessions } = poolOf();
    await pool.open(target, 'a:1');
    sessions[0]?.destroy('lost');
    await Promise.resolve();
    expect(pool.size).toBe(0);
    await pool.open(target, 'a:1');
    expect(sessions).toHaveLength(2);
  });

  it('makes a session before it is needed, and no second one', async () => {
    const { pool, sessions } = poolOf();
    await pool.warm(target);
    await pool.warm(target);
    await pool.open(target, 'a:1');
    expect(sessions).toHaveLength(1);
  });

  it('replaces a session while its certificates still hold, and then drains it', async () => {
    const { pool, sessions, clock } = poolOf();
    await pool.open(target, 'a:1');
    await clock.advance(0.9 * LIFETIME_MS);
    expect(sessions).toHaveLength(2);
    expect(sessions.map(({ draining }) => draining)).toEqual([true, false]);
    expect((await pool.open(target, 'a:1')).via.session).toBe(sessions[1]);
  });

  it('keeps a session that it cannot replace', async () => {
    const { pool, sessions, clock, refuse } = poolOf();
    await pool.open(target, 'a:1');
    refuse();
    await clock.advance(0.9 * LIFETIME_MS);
    expect((await pool.open(target, 'a:1')).via.session).toBe(sessions[0]);
    expect(sessions[0]?.draining).toBe(false);
  });

  it('replaces no session that is gone', async () => {
    const { pool, sessions, clock } = poolOf();
    await pool.open(target, 'a:1');
    sessions[0]?.destroy('lost');
    await clock.advance(LIFETIME_MS);
    expect(sessions).toHaveLength(1);
  });
});
