import { beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { type StreamRenewal, streamRenewal } from './stream-renewal.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/reviews';
const LIFETIME_MS = 600_000;
const clock = new ManualClock();
const authority = testAuthority({ nowMs: clock.now() });
let identity: WatchableValue<Identity>;
let renewal: StreamRenewal;
let reconnects: number;

function fresh(from = authority): Identity {
  const more = { notBeforeMs: clock.now(), notAfterMs: clock.now() + LIFETIME_MS };
  return { ...from.identity(ID, more), issuedAtMs: clock.now() };
}

beforeEach(async () => {
  identity = new WatchableValue(fresh());
  reconnects = 0;
  renewal = streamRenewal({
    identity,
    clock,
    reconnect: () => {
      reconnects += 1;
      renewal.opened(identity.current);
    },
  });
  renewal.opened(identity.current);
  void renewal.run(new AbortController().signal);
  await clock.advance(0);
});

it('opens the stream anew before its certificate expires, and not with each renewal', async () => {
  await clock.advance(LIFETIME_MS / 2);
  identity.set(fresh());
  expect(reconnects).toBe(0);
  await clock.advance(LIFETIME_MS / 2 - 1);
  expect(reconnects).toBe(1);
});

it('leaves it while there is no newer certificate', async () => {
  await clock.advance(LIFETIME_MS * 2);
  expect(reconnects).toBe(0);
  identity.set(fresh());
  await clock.advance(30_000);
  expect(reconnects).toBe(1);
});

it('opens it anew at once when another key has signed', () => {
  identity.set(fresh(testAuthority({ nowMs: clock.now() })));
  expect(reconnects).toBe(1);
});
