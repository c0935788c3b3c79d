import { connect, createServer as createTlsServer, type Server, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { Channel } from '../../src/proxy/bytes/channel.ts';
import type {
  HboneClientSession,
  HboneServerSession,
  HboneTransport,
  IncomingStream,
} from '../../src/proxy/hbone/hbone-transport.ts';
import { CLIENT_ID, SERVER_ID, startApp, until } from './proxy-pair.ts';
import { testAuthority } from './test-authority.ts';

/** What a channel has told so far. */
class Recorder {
  readonly channel: Channel;
  text = '';
  bytes = 0;
  ended = false;
  drains = 0;
  closed: { readonly error: Error | undefined } | undefined;

  constructor(channel: Channel) {
    this.channel = channel;
    channel.start({
      data: (chunk) => {
        this.bytes += chunk.length;
        if (chunk.length < 1024) this.text += Buffer.from(chunk).toString();
      },
      end: () => {
        this.ended = true;
      },
      drain: () => {
        this.drains += 1;
      },
      closed: (error) => {
        this.closed = { error };
      },
    });
  }

  write(text: string): boolean {
    return this.channel.write(Buffer.from(text), false);
  }
}

export interface Joined extends AsyncDisposable {
  readonly client: HboneClientSession;
  readonly server: HboneServerSession;
  /** Streams that were asked for, in order. */
  readonly incoming: IncomingStream[];
  readonly sockets: { readonly client: TLSSocket; readonly server: TLSSocket };
  /** A stream that was accepted: the calling side first. */
  open(authority?: string): Promise<readonly [Recorder, Recorder]>;
}

/** Both ends of a session on TLS. */
export async function join(transport: HboneTransport): Promise<Joined> {
  const authority = testAuthority();
  const incoming: IncomingStream[] = [];
  const accepted = Promise.withResolvers<{ session: HboneServerSession; socket: TLSSocket }>();
  const listener: Server = createTlsServer(
    { ...authority.pems(authority.issue(SERVER_ID)), ALPNProtocols: ['h2'] },
    (socket) => {
      const session = transport.accept(socket, (stream) => incoming.push(stream));
      accepted.resolve({ session, socket });
    },
  );
  const app = await startApp(listener);
  const clientSocket = connect({
    ...{ ...app.address, ...authority.pems(authority.issue(CLIENT_ID)) },
    ...{ ALPNProtocols: ['h2'], rejectUnauthorized: false },
  });
  await new Promise((resolve) => clientSocket.once('secureConnect', resolve));
  const client = await transport.connect(clientSocket);
  const { session: server, socket: serverSocket } = await accepted.promise;
  return {
    ...{ client, server, incoming },
    sockets: { client: clientSocket, server: serverSocket },
    async open(target = '10.0.0.1:80') {
      const opening = client.open(target);
      const count = incoming.length + 1;
      await until(() => incoming.length === count);
      const channel = incoming[count - 1]?.accept();
      const outcome = await opening;
      if (outcome.outcome !== 'opened' || channel === undefined) throw new Error(outcome.outcome);
      return [new Recorder(outcome.channel), new Recorder(channel)];
    },
    async [Symbol.asyncDispose]() {
      client.destroy('test over');
      server.destroy();
      await app[Symbol.asyncDispose]();
    },
  };
}

/** What every HboneTransport promises; `make` gives one with that bound on streams per session. */
export function describeHboneTransport(
  name: string,
  make: (maxStreams: number) => HboneTransport,
): void {
  describe(`the HBONE transport contract: ${name}`, () => {
    it('carries bytes both ways and ends each direction by itself', async () => {
      await using joined = await join(make(100));
      const [calling, serving] = await joined.open('10.0.0.1:80');
      expect(joined.incoming[0]?.authority).toBe('10.0.0.1:80');
      calling.write('ping');
      await until(() => serving.text === 'ping');
      calling.channel.end();
      await until(() => serving.ended);
      serving.write('pong after your end');
      await until(() => calling.text === 'pong after your end');
      serving.channel.end();
      await until(() => calling.closed !== undefined && serving.closed !== undefined);
      expect([calling.ended, calling.closed, serving.closed]).toEqual([
        true,
        { error: undefined },
        { error: undefined },
      ]);
      await until(() => joined.client.streams === 0);
    });

    it('knows whether the peer has begun, and not only ended the handshake', async () => {
      await using joined = await join(make(100));
      await until(() => joined.server.begun);
      const never = Promise.withResolvers<HboneServerSession>();
      const pems = testAuthority();
      await using app = await startApp(
        createTlsServer({ ...pems.pems(pems.issue(SERVER_ID)), ALPNProtocols: ['h2'] }, (socket) =>
          never.resolve(make(100).accept(socket, () => undefined)),
        ),
      );
      const options = { ...app.address, ALPNProtocols: ['h2'], rejectUnauthorized: false };
      const left = connect(options, () => left.end());
      const session = await never.promise;
      await session.closed;
      expect(session.begun).toBe(false);
    });

    it('keeps many streams apart', async () => {
      await using joined = await join(make(100));
      const names = Array.from({ length: 50 }, (_, i) => `10.0.0.1:${i + 1}`);
      const opening = Promise.all(names.map((name) => joined.client.open(name)));
      await until(() => joined.incoming.length === names.length);
      for (const stream of joined.incoming) new Recorder(stream.accept()).write(stream.authority);
      const callers = (await opening).map((outcome) => {
        if (outcome.outcome !== 'opened') throw new Error(outcome.outcome);
        return new Recorder(outcome.channel);
      });
      await until(() => callers.every(({ text }) => text !== ''));
      expect(callers.map(({ text }) => text)).toEqual(names);
    });

    it('shows a reset of either side as an error, and never as an end', async () => {
      await using joined = await join(make(100));
      for (const side of [0, 1] as const) {
        const pair = await joined.open();
        const [cutting, other] = side === 0 ? pair : [pair[1], pair[0]];
        cutting.write('half of it');
        await until(() => other.text === 'half of it');
        cutting.channel.reset();
        await until(() => other.closed !== undefined && cutting.closed !== undefined);
        expect(other.closed?.error).toBeInstanceOf(Error);
        expect(cutting.closed?.error).toBeInstanceOf(Error);
        expect(other.ended).toBe(false);
      }
    });

    it.each(['client', 'server'] as const)(
      'shows the loss of the connection at the %s as an error of every stream',
      async (side) => {
        await using joined = await join(make(100));
        const pairs = [await joined.open(), await joined.open()];
        joined.sockets[side].destroy();
        await Promise.all([joined.client.closed, joined.server.closed]);
        for (const recorder of pairs.flat()) {
          await until(() => recorder.closed !== undefined);
          expect(recorder.closed?.error).toBeInstanceOf(Error);
          expect(recorder.ended).toBe(false);
        }
        expect(joined.client.available).toBe(0);
        expect(await joined.client.open('10.0.0.1:80')).toEqual({ outcome: 'unprocessed' });
      },
    );

    it('shows destroy() as an error of every stream, and closes with the reason', async () => {
      await using joined = await join(make(100));
      const pair = await joined.open();
      joined.client.destroy('enough');
      expect(await joined.client.closed).toBe('enough');
      await joined.server.closed;
      for (const recorder of pair) {
        await until(() => recorder.closed !== undefined);
        expect(recorder.closed?.error).toBeInstanceOf(Error);
        expect(recorder.ended).toBe(false);
      }
    });

    it('answers a refusal with its status and who refused, as printable text', async () => {
      await using joined = await join(make(100));
      const opening = joined.client.open('10.0.0.1:80');
      await until(() => joined.incoming.length === 1);
      joined.incoming[0]?.refuse(403, 'policy shop/callers\r\nrule[0]');
      expect(await opening).toEqual({
        ...{ outcome: 'refused', status: 403, deniedBy: 'policy shop/callers??rule[0]' },
      });
      await until(() => joined.client.streams === 0);
      const next = joined.client.open('10.0.0.1:80');
      await until(() => joined.incoming.length === 2);
      joined.incoming[1]?.refuse(503);
      expect(await next).toEqual({ outcome: 'refused', status: 503, deniedBy: undefined });
    });

    it('tells how many more streams there is room for', async () => {
      await using joined = await join(make(3));
      expect(joined.client.available).toBe(3);
      await joined.open();
      void joined.client.open('10.0.0.1:80');
      expect(joined.client.available).toBe(1);
      expect(joined.client.streams).toBe(2);
    });

    it('drains from the calling side: open streams go on, then it closes', async () => {
      await using joined = await join(make(100));
      const [calling, serving] = await joined.open();
      joined.client.drain();
      expect(joined.client.available).toBe(0);
      expect(await joined.client.open('10.0.0.1:80')).toEqual({ outcome: 'unprocessed' });
      calling.write('still there');
      await until(() => serving.text === 'still there');
      calling.channel.end();
      serving.channel.end();
      expect(await joined.client.closed).toBe('drained');
      await joined.server.closed;
      expect(calling.closed).toEqual({ error: undefined });
    });

    it('drains from the serving side: what was not acted on may be repeated elsewhere', async () => {
      await using joined = await join(make(100));
      const [calling, serving] = await joined.open();
      joined.server.drain();
      const late = await joined.client.open('10.0.0.1:80');
      expect(late).toEqual({ outcome: 'unprocessed' });
      expect(joined.client.available).toBe(0);
      expect(joined.incoming).toHaveLength(1);
      serving.write('still there');
      await until(() => calling.text === 'still there');
      calling.channel.end();
      serving.channel.end();
      await Promise.all([joined.client.closed, joined.server.closed]);
      expect(calling.closed).toEqual({ error: undefined });
    });

    it('holds a writer back when the reader pauses, and other streams go on', async () => {
      await using joined = await join(make(100));
      const [calling, serving] = await joined.open();
      serving.channel.pause();
      const chunk = Buffer.alloc(64 * 1024);
      let written = 0;
      let isFull = false;
      for (let turns = 0; turns < 400 && !isFull; turns++) {
        const { drains } = calling;
        while (calling.channel.write(chunk, false)) written += chunk.length;
        written += chunk.length;
        for (let i = 0; i < 40 && calling.drains === drains; i++) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        isFull = calling.drains === drains;
      }
      expect(isFull).toBe(true);
      expect(written).toBeLessThan(8 * 1024 * 1024);
      const [other, otherServing] = await joined.open();
      other.write('not held up');
      await until(() => otherServing.text === 'not held up');
      serving.channel.resume();
      await until(() => serving.bytes === written);
      expect(calling.drains).toBeGreaterThan(0);
    });

    it('answers probes, and ends a session whose peer does not', async () => {
      await using joined = await join(make(100));
      const [calling, serving] = await joined.open();
      for (let i = 0; i < 3; i++) {
        joined.client.probe();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      calling.write('still there');
      await until(() => serving.text === 'still there');
      joined.client.probe();
      joined.client.probe(); // no answer can have come meanwhile
      expect(await joined.client.closed).toBe('the peer answers no ping');
    });

    it('probes from the serving side too', async () => {
      await using joined = await join(make(100));
      const [calling, serving] = await joined.open();
      joined.server.probe();
      serving.write('answered');
      await until(() => calling.text === 'answered');
      calling.write('as well');
      await until(() => serving.text === 'as well');
      joined.server.probe();
      joined.server.probe(); // no answer can have come meanwhile
      expect(await joined.server.closed).toBe('the peer answers no ping');
    });

    it('is left by the serving side when it was idle for very long', async () => {
      await using joined = await join(make(100));
      for (let i = 0; i < 30; i++) joined.server.probe();
      await joined.open();
      await using other = await join(make(100));
      for (let i = 0; i < 31; i++) other.server.probe();
      expect(await other.server.closed).toBe('idle');
    });

    it('is left by probes when it was idle for long', async () => {
      await using joined = await join(make(100));
      for (let i = 0; i < 16; i++) joined.client.probe();
      expect(await joined.client.closed).toBe('drained');
    });
  });
}
