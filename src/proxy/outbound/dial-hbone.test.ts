import { createServer, type Server } from 'node:net';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import {
  ask,
  dial,
  entryFor,
  readToEnd,
  SERVER_ID,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import { type TestAuthority, testAuthority } from '../../../test/kit/test-authority.ts';
import { systemClock } from '../../lib/clock.ts';
import { Deadlines } from '../deadlines.ts';
import { framedTransport } from '../hbone/framed-transport.ts';
import type { HboneServerSession } from '../hbone/hbone-transport.ts';

/** A callee that ends some connections right after the TLS handshake, as who dies or refuses us does. */
class MortalCallee {
  readonly server: Server;
  readonly sessions: HboneServerSession[] = [];
  /** So many of the next connections are ended. */
  deaths = 0;

  constructor(authority: TestAuthority) {
    const transport = framedTransport(100, new Deadlines(systemClock, 10_000));
    const pems = authority.pems(authority.issue(SERVER_ID));
    this.server = createServer((raw) => {
      const options = { ...pems, isServer: true, requestCert: true, rejectUnauthorized: false };
      const socket = new TLSSocket(raw, { ...options, ALPNProtocols: ['h2'] });
      socket.on('error', () => undefined);
      socket.once('secure', () => {
        this.deaths -= 1;
        if (this.deaths >= 0) {
          raw.resetAndDestroy();
          return;
        }
        const session = transport.accept(socket, (stream) => {
          const channel = stream.accept();
          channel.start({
            data: (chunk, lent) => void channel.write(chunk, lent),
            end: () => channel.end(),
            drain: () => undefined,
            closed: () => undefined,
          });
        });
        this.sessions.push(session);
      });
    });
  }
}

async function startMortal() {
  const authority = testAuthority();
  const callee = new MortalCallee(authority);
  const app = await startApp(callee.server);
  const workloadEntries = [entryFor(app.address.port)];
  const pair = await startPair({ authority, clientFacts: { workloadEntries } });
  return {
    ...{ callee, pair },
    async [Symbol.asyncDispose]() {
      await pair[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
}

describe('an HBONE peer that ends the connection after the handshake', () => {
  it('is dialled again if it took our certificate before', async () => {
    await using mortal = await startMortal();
    const { callee, pair } = mortal;
    expect(await ask(await dial(pair.outbound), 'before')).toBe('before');
    callee.sessions[0]?.destroy();
    await until(() => pair.client.events.endedSessions.length === 1);
    callee.deaths = 1;
    expect(await ask(await dial(pair.outbound), 'after')).toBe('after');
    expect(pair.client.events.handshakes).toHaveLength(1);
    expect(pair.client.events.upstreams).toEqual([]);
  });

  it('refuses us if it never did, or does so twice', async () => {
    await using mortal = await startMortal();
    const { callee, pair } = mortal;
    callee.deaths = 1;
    expect((await readToEnd(await dial(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.handshakes).toHaveLength(1);
    await until(() => pair.client.events.upstreams.length === 1);
    expect(await ask(await dial(pair.outbound), 'then')).toBe('then');
    callee.sessions[0]?.destroy();
    await until(() => pair.client.events.endedSessions.length === 1);
    callee.deaths = 10;
    expect((await readToEnd(await dial(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.handshakes).toHaveLength(3);
    expect(pair.client.events.upstreams[1]?.reason).toMatch(
      /may not have accepted our certificate/,
    );
  });
});
