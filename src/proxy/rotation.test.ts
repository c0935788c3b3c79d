import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  readToEnd,
  SERVER_ID,
  startPair,
  until,
} from '../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../test/kit/test-authority.ts';
import type { Identity } from '../spiffe/identity.ts';
import { TrustBundle } from '../spiffe/trust-bundle.ts';

const HOUR_MS = 3_600_000;

function serialOf({ svid }: Identity): string | undefined {
  return svid.chain[0]?.serial;
}

describe('rotation of the own identity', () => {
  it('keeps an open connection on the calling side; new streams use the new certificate', async () => {
    await using pair = await startPair();
    const old = await dial(pair.outbound);
    await ask(old, 'hello');
    const before = serialOf(pair.client.identity.current);
    pair.client.identity.set(pair.authority.identity(CLIENT_ID));
    const after = serialOf(pair.client.identity.current);
    expect(after).not.toBe(before);
    // At once, without waiting for a connection that needs it.
    await until(() => pair.server.events.sessions.length === 2);

    expect(await ask(old, 'still there')).toBe('still there');
    const fresh = await dial(pair.outbound);
    await ask(fresh, 'hello');
    const [first, second] = pair.server.proxy.connections();
    expect([first?.peerSerial, second?.peerSerial]).toEqual([before, after]);
    expect(pair.client.events.sessions).toHaveLength(2);

    expect(pair.client.events.endedSessions).toEqual([]);
    old.destroy();
    await until(() => pair.client.events.endedSessions.length === 1);
    expect(pair.client.events.endedSessions[0]).toMatchObject({
      ...{ ownSerial: before, reason: 'drained' },
    });
    expect(await ask(fresh, 'on')).toBe('on');
  });

  it('makes no session in advance for a peer that nobody called', async () => {
    await using pair = await startPair();
    pair.client.identity.set(pair.authority.identity(CLIENT_ID));
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(pair.client.events.sessions).toHaveLength(1);
    expect(serialOf(pair.client.identity.current)).toBe(pair.client.events.sessions[0]?.ownSerial);
  });

  it('fails no connection when it happens all the time', async () => {
    await using pair = await startPair();
    const rotate = (side: typeof pair.client, id: string): void =>
      side.identity.set(pair.authority.identity(id));
    // By what happens and not by the clock: on a slow machine a rotation every few milliseconds
    // would replace each session before it was ever used.
    for (let i = 0; i < 60; i++) {
      const dialling = dial(pair.outbound);
      rotate(pair.client, CLIENT_ID);
      const socket = await dialling;
      rotate(pair.server, SERVER_ID);
      expect(await ask(socket, `hello ${i}`)).toBe(`hello ${i}`);
      socket.destroy();
    }
    expect(pair.client.events.upstreams).toEqual([]);
    expect(pair.client.events.handshakes).toEqual([]);
    expect(pair.server.events.handshakes).toEqual([]);
  });

  it('shows the new certificate of the serving side to new sessions only', async () => {
    await using pair = await startPair();
    const old = await dial(pair.outbound);
    await ask(old, 'hello');
    const before = serialOf(pair.server.identity.current);
    pair.server.identity.set(pair.authority.identity(SERVER_ID));
    expect(await ask(old, 'still there')).toBe('still there');
    pair.client.identity.set(pair.authority.identity(CLIENT_ID));
    await ask(await dial(pair.outbound), 'hello');
    expect(pair.client.events.sessions.map(({ peerSerial }) => peerSerial)).toEqual([
      before,
      serialOf(pair.server.identity.current),
    ]);
  });

  it('opens no more streams with a certificate that has run out, and cuts none', async () => {
    const clock = new ManualClock(Date.now());
    const options = { clock, limits: { probeIntervalMs: 1_000 * HOUR_MS } };
    await using pair = await startPair({ client: options, server: options });
    const old = await dial(pair.outbound);
    await ask(old, 'hello');
    await clock.advance(25 * HOUR_MS);
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    // The one before is of the session's successor, for which the clock ran away.
    expect(pair.client.events.handshakes.at(-1)?.reason).toMatch(
      /own certificate .* is valid from/,
    );
    expect(await ask(old, 'still there')).toBe('still there');
    const nowMs = clock.now();
    const fresh = { notBeforeMs: nowMs - HOUR_MS, notAfterMs: nowMs + HOUR_MS };
    pair.server.identity.set(pair.authority.identity(SERVER_ID, fresh));
    pair.client.identity.set(pair.authority.identity(CLIENT_ID, fresh));
    await clock.advance(60_000);
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
  });

  it('goes from one root to another by way of a bundle with both', async () => {
    const authority = testAuthority();
    const successor = testAuthority();
    await using pair = await startPair({ authority });
    const old = await dial(pair.outbound);
    await ask(old, 'hello');
    const both = TrustBundle.of(authority.trustDomain, [authority.root, successor.root]);
    const sides = [
      { side: pair.client, id: CLIENT_ID },
      { side: pair.server, id: SERVER_ID },
    ];
    for (const { side } of sides) side.identity.set({ ...side.identity.current, bundle: both });
    for (const { side, id } of sides) {
      side.identity.set({ ...successor.identity(id), bundle: both });
      expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    }
    for (const { side, id } of sides) side.identity.set(successor.identity(id));
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(await ask(old, 'still there')).toBe('still there');
    expect(pair.client.events.handshakes).toEqual([]);
    expect(pair.server.events.handshakes).toEqual([]);
  });
});
