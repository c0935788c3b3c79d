import type { TLSSocket } from 'node:tls';
import { MeshError } from '../../lib/errors.ts';
import type { Deadline } from '../deadlines.ts';
import { ErrorCode } from './frames/http2-codes.ts';
import { DENIED_BY_HEADER, type HboneClientSession, type OpenOutcome } from './hbone-transport.ts';
import type { DecodedFields } from './hpack/hpack-decoder.ts';
import { printable } from './printable.ts';
import { type AnswerReading, readAnswer } from './session/connect-headers.ts';
import type { HboneStream } from './session/hbone-stream.ts';
import { probeSession } from './session/probe-session.ts';
import { SessionProbe } from './session/session-probe.ts';
import { type LinkOptions, PEER_SILENT, TlsLink } from './session/tls-link.ts';

const OK = 200;
const MAX_IDLE_PROBES = 15;
/** Pings that go along with requests are not more frequent than this: peers count them. */
const ASKED_EVERY_MS = 100;

/** A stream that the peer has not answered. */
interface Asked {
  readonly resolve: (outcome: OpenOutcome) => void;
}

/** The calling side of HBONE on our own framing. */
export class FramedClientSession implements HboneClientSession {
  readonly closed: Promise<string>;
  readonly #link: TlsLink;
  readonly #options: LinkOptions;
  readonly #asked = new Map<HboneStream, Asked>();
  readonly #ready = Promise.withResolvers<undefined>();
  #maxStreams: number;
  #draining = false;
  readonly #probe = new SessionProbe(MAX_IDLE_PROBES);
  /** Set while it is being found out whether the peer is there. */
  #silence: Deadline | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  private constructor(socket: TLSSocket, options: LinkOptions) {
    this.#options = options;
    this.#maxStreams = options.maxStreams;
    this.#link = new TlsLink(socket, 'client', {
      ...options,
      events: {
        settings: (settings) => {
          this.#maxStreams = Math.min(options.maxStreams, settings.maxStreams);
          this.#ready.resolve(undefined);
        },
        headers: (stream, fields) => this.#onAnswer(stream, fields),
        aborted: (stream, code) => this.#onAborted(stream, code),
        goaway: (code) => this.#onGoaway(code),
        pong: () => {
          this.#probe.answered();
          this.#silence?.cancel();
          this.#silence = undefined;
        },
        idle: () => this.#endIfDrained(),
      },
    });
    this.closed = this.#link.closed.then((reason) => {
      this.#draining = true;
      this.#silence?.cancel();
      return reason;
    });
  }

  /**
   * Resolves with the peer's first SETTINGS, by which a TLS 1.3 peer shows that it took our
   * certificate.
   *
   * @throws {MeshError} ERR_UNREACHABLE when the connection ends before.
   */
  static async start(socket: TLSSocket, options: LinkOptions): Promise<FramedClientSession> {
    const started = new FramedClientSession(socket, options);
    const failure = await Promise.race([started.#ready.promise, started.closed]);
    if (failure !== undefined) throw new MeshError('ERR_UNREACHABLE', failure);
    return started;
  }

  get available(): number {
    return this.#draining ? 0 : Math.max(this.#maxStreams - this.streams, 0);
  }

  get streams(): number {
    return this.#link.connection.streams;
  }

  open(authority: string): Promise<OpenOutcome> {
    const stream = this.#draining
      ? undefined
      : this.#link.connection.open([
          [':method', 'CONNECT'],
          [':authority', authority],
        ]);
    if (stream === undefined) {
      this.#draining = true; // or its identifiers are used up
      return Promise.resolve({ outcome: 'unprocessed' });
    }
    this.#askWhetherThere();
    const before = this.#link.reads;
    return new Promise((resolve) => {
      const deadline = this.#options.deadlines.set(() => {
        if (this.#link.reads === before) {
          this.destroy(PEER_SILENT);
          return;
        }
        this.#link.connection.cut(stream, ErrorCode.cancel);
        this.#settle(stream, { outcome: 'failed', reason: 'the peer did not answer in time' });
      });
      this.#asked.set(stream, {
        resolve: (outcome) => {
          deadline.cancel();
          resolve(outcome);
        },
      });
    });
  }

  probe(): void {
    probeSession(this.#probe, this.#link.connection, {
      dead: () => this.destroy(PEER_SILENT),
      drain: () => this.drain(),
    });
  }

  drain(): void {
    this.#link.because('drained');
    if (!this.#draining) this.#link.connection.sendGoaway();
    this.#draining = true;
    this.#endIfDrained();
  }

  destroy(reason: string): void {
    this.#draining = true;
    this.#link.destroy(reason);
  }

  /** A peer may take its time for a stream, but not for a ping: others must not wait for one that is gone. */
  #askWhetherThere(): void {
    const { silence } = this.#options;
    if (this.#silence !== undefined || silence.nowMs - this.#askedAtMs < ASKED_EVERY_MS) return;
    this.#askedAtMs = silence.nowMs;
    const before = this.#link.reads;
    this.#link.connection.sendPing();
    this.#silence = silence.set(() => {
      this.#silence = undefined;
      if (this.#link.reads === before) this.destroy(PEER_SILENT);
      // It sends other things, and has not come to the ping.
      else if (this.#asked.size > 0) this.#askWhetherThere();
    });
  }

  #endIfDrained(): void {
    if (this.#draining && this.streams === 0) this.#link.end('drained');
  }

  #onGoaway(code: number): void {
    this.#draining = true;
    this.#link.because(`the peer ended the session with HTTP/2 code ${code}`);
  }

  #onAnswer(stream: HboneStream, fields: DecodedFields): void {
    const answer: AnswerReading =
      'fields' in fields
        ? readAnswer(fields.fields, DENIED_BY_HEADER)
        : { kind: 'malformed', why: `an answer of ${fields.tooLarge} bytes` };
    switch (answer.kind) {
      case 'interim':
        this.#link.connection.count('ignored');
        return;
      case 'malformed':
        this.#settle(stream, { outcome: 'failed', reason: `the peer answered with ${answer.why}` });
        this.#link.connection.refuseStream(stream, ErrorCode.protocolError, answer.why);
        return;
      case 'final':
        stream.answered = true;
        this.#onFinal(stream, answer);
    }
  }

  #onFinal(stream: HboneStream, answer: Extract<AnswerReading, { kind: 'final' }>): void {
    const { status, deniedBy } = answer;
    if (status === OK) {
      this.#settle(stream, { outcome: 'opened', channel: stream });
      return;
    }
    stream.discard();
    stream.end();
    const by = deniedBy === undefined ? undefined : printable(deniedBy);
    this.#settle(stream, { outcome: 'refused', status, deniedBy: by });
  }

  /** Nothing of the application was sent before the answer, so a lost request may be repeated. */
  #onAborted(stream: HboneStream, code: number): void {
    const unprocessed = this.#draining || code === ErrorCode.refusedStream || this.#link.over;
    const reason = `the peer reset the stream with HTTP/2 code ${code}`;
    this.#settle(stream, unprocessed ? { outcome: 'unprocessed' } : { outcome: 'failed', reason });
  }

  #settle(stream: HboneStream, outcome: OpenOutcome): void {
    const asked = this.#asked.get(stream);
    this.#asked.delete(stream);
    asked?.resolve(outcome);
  }
}
