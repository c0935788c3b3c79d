import { createServer } from 'node:tls';
import { systemClock } from '../../src/lib/clock.ts';
import type { Address } from '../../src/proxy/address.ts';
import { Deadlines } from '../../src/proxy/deadlines.ts';
import { framedTransport } from '../../src/proxy/hbone/framed-transport.ts';
import { SERVER_ID, startApp } from './proxy-pair.ts';
import { testAuthority } from './test-authority.ts';

export interface FramedServer extends AsyncDisposable {
  readonly address: Address;
  /** Why each session ended, in order. */
  readonly ended: readonly string[];
}

/**
 * The serving side of our HTTP/2 framing behind TLS that asks for no certificate, for programs that
 * have none. Every CONNECT is accepted; its bytes go back as they came.
 */
export async function startFramedServer(): Promise<FramedServer> {
  const authority = testAuthority();
  const deadlines = new Deadlines(systemClock, 10_000);
  const transport = framedTransport(100, deadlines);
  const ended: string[] = [];
  const pems = authority.pems(authority.issue(SERVER_ID));
  const server = createServer({ ...pems, ALPNProtocols: ['h2'] }, (socket) => {
    const session = transport.accept(socket, (stream) => {
      const channel = stream.accept();
      channel.start({
        data: (chunk, lent) => {
          if (!channel.write(chunk, lent)) channel.pause();
        },
        drain: () => channel.resume(),
        end: () => channel.end(),
        closed: () => undefined,
      });
    });
    void session.closed.then((reason) => ended.push(reason));
  });
  const app = await startApp(server);
  return {
    address: app.address,
    ended,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      deadlines.close();
    },
  };
}
