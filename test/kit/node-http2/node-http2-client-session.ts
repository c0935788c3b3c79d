import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { MeshError } from '../../../src/lib/errors.ts';
import type { Deadlines } from '../../../src/proxy/deadlines.ts';
import {
  DENIED_BY_HEADER,
  type HboneClientSession,
  type OpenOutcome,
} from '../../../src/proxy/hbone/hbone-transport.ts';
import { printable } from '../../../src/proxy/hbone/printable.ts';
import { http2Channel } from './node-http2-channel.ts';
import { CONNECTION_WINDOW_BYTES, http2Options } from './node-http2-settings.ts';

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;
const OK = 200;
const MAX_IDLE_PROBES = 15;

/** The calling side of HBONE on node:http2. */
export class NodeHttp2ClientSession implements HboneClientSession {
  readonly #session: ClientHttp2Session;
  readonly #answers: Deadlines;
  readonly closed: Promise<string>;
  #maxStreams: number;
  #streams = 0;
  #draining = false;
  #probing = false;
  #idleProbes = 0;
  #reason: string | undefined;

  private constructor(session: ClientHttp2Session, maxStreams: number, answers: Deadlines) {
    this.#session = session;
    this.#answers = answers;
    this.#maxStreams = maxStreams;
    session.on('remoteSettings', (settings) => {
      this.#maxStreams = Math.min(maxStreams, settings.maxConcurrentStreams ?? maxStreams);
    });
    session.on('goaway', (code) => {
      this.#draining = true;
      this.#reason ??= `the peer ended the session with HTTP/2 code ${code}`;
    });
    session.on('error', (error) => {
      this.#reason ??= error.message;
    });
    this.closed = new Promise((resolve) => {
      session.once('close', () => {
        this.#draining = true;
        resolve(this.#reason ?? 'the connection ended');
      });
    });
  }

  /**
   * Resolves with the peer's first SETTINGS, by which a TLS 1.3 peer shows that it took our
   * certificate. `answers` bounds the wait for the answer to each stream.
   *
   * @throws {MeshError} ERR_UNREACHABLE when the connection ends before.
   */
  static async start(
    socket: TLSSocket,
    maxStreams: number,
    answers: Deadlines,
  ): Promise<NodeHttp2ClientSession> {
    const session = connect('https://hbone.invalid', {
      ...http2Options(maxStreams),
      createConnection: () => socket,
    });
    const started = new NodeHttp2ClientSession(session, maxStreams, answers);
    const ready = new Promise<undefined>((resolve) => {
      session.once('remoteSettings', () => resolve(undefined));
    });
    const failure = await Promise.race([ready, started.closed]);
    if (failure !== undefined) throw new MeshError('ERR_UNREACHABLE', failure);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    return started;
  }

  get available(): number {
    return this.#draining || this.#session.closed ? 0 : this.#maxStreams - this.#streams;
  }

  get streams(): number {
    return this.#streams;
  }

  async open(authority: string): Promise<OpenOutcome> {
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(
        { ':method': 'CONNECT', ':authority': authority },
        { endStream: false },
      );
    } catch {
      this.#draining = true; // request() throws once the session closes, before anything is sent
      return { outcome: 'unprocessed' };
    }
    this.#streams += 1;
    stream.once('close', () => {
      this.#streams -= 1;
    });
    return await this.#answerTo(stream);
  }

  probe(): void {
    if (this.#probing) this.destroy('the peer answers no ping');
    if (this.#session.destroyed) return;
    this.#idleProbes = this.#streams === 0 ? this.#idleProbes + 1 : 0;
    if (this.#idleProbes > MAX_IDLE_PROBES) this.drain();
    if (this.#streams === 0) return;
    this.#probing = this.#session.ping((error) => {
      if (error === null) this.#probing = false;
    });
  }

  drain(): void {
    this.#draining = true;
    this.#reason ??= 'drained';
    this.#session.close();
  }

  destroy(reason: string): void {
    this.#draining = true;
    this.#reason ??= reason;
    // With an error code, or the streams would end as if in order.
    this.#session.destroy(new Error(reason), NGHTTP2_CANCEL);
  }

  #answerTo(stream: ClientHttp2Stream): Promise<OpenOutcome> {
    const channel = http2Channel(stream);
    return new Promise((resolve) => {
      const deadline = this.#answers.set(() => {
        resolve({ outcome: 'failed', reason: 'the peer did not answer in time' });
        stream.close(NGHTTP2_CANCEL);
      });
      stream.once('response', (headers) => {
        deadline.cancel();
        if (headers[':status'] === OK) return resolve({ outcome: 'opened', channel });
        resolve(refusal(headers));
        stream.resume();
        stream.end();
      });
      stream.once('close', () => {
        deadline.cancel();
        resolve(this.#closedEarly(stream));
      });
    });
  }

  /** Nothing of the application was sent before the answer, so a lost request may be repeated. */
  #closedEarly({ rstCode }: ClientHttp2Stream): OpenOutcome {
    if (this.available === 0 || rstCode === NGHTTP2_REFUSED_STREAM) {
      return { outcome: 'unprocessed' };
    }
    return { outcome: 'failed', reason: `the peer reset the stream with HTTP/2 code ${rstCode}` };
  }
}

function refusal(headers: IncomingHttpHeaders): OpenOutcome {
  const deniedBy = headers[DENIED_BY_HEADER];
  return {
    outcome: 'refused',
    status: Number(headers[':status'] ?? 0),
    deniedBy: typeof deniedBy === 'string' ? printable(deniedBy) : undefined,
  };
}
