import { expect, it } from 'vitest';
import { CLIENT_ID, dial, readToEnd, startPair, until } from '../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../test/kit/test-authority.ts';
import { systemClock } from '../lib/clock.ts';
import type { ClockSkew } from '../lib/clock-skew.ts';
import { WatchableValue } from '../lib/watchable.ts';

const NOTE = "this host's clock is 3h behind the control plane's";
const clockSkew = new WatchableValue<ClockSkew | undefined>({
  ...{ skewMs: -3 * 3_600_000, uncertaintyMs: 0, measuredAtMs: 0 },
});
const HOUR_MS = 3_600_000;
const authority = testAuthority();

it('says whose clock is wrong when a certificate seems to be not yet valid', async () => {
  const early = { notBeforeMs: Date.now() + HOUR_MS, notAfterMs: Date.now() + 2 * HOUR_MS };
  await using pair = await startPair({
    authority,
    client: { clock: { ...systemClock, now: () => Date.now() + HOUR_MS } },
    clientIdentity: authority.identity(CLIENT_ID, early),
    server: { clockSkew },
  });
  await readToEnd(await dial(pair.outbound));
  await until(() => pair.server.events.handshakes.length > 0);
  const { reason } = pair.server.events.handshakes[0] ?? {};
  expect(reason).toMatch(/is not yet valid, .* the clock here says .*; this host's clock is 3h/);
});

it('does not blame the clock for what has nothing to do with it', async () => {
  const stranger = testAuthority();
  await using pair = await startPair({
    authority,
    clientIdentity: { ...stranger.identity(CLIENT_ID), bundle: authority.bundle },
    server: { clockSkew },
  });
  await readToEnd(await dial(pair.outbound));
  await until(() => pair.server.events.handshakes.length > 0);
  expect(pair.server.events.handshakes[0]?.reason).not.toContain(NOTE);
});
