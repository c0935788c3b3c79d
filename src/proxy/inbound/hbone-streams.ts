import { isIP } from 'node:net';
import { messageOf } from '../../lib/errors.ts';
import { type Address, parseAuthority } from '../address.ts';
import type { ConnectionAbout, ConnectionTable } from '../connection-table.ts';
import type { Admission, CallingPeer } from '../enforcement.ts';
import type { IncomingStream } from '../hbone/hbone-transport.ts';
import type { DeniedConnection, SessionRecord } from '../proxy-events.ts';
import type { Reporter } from '../reporter.ts';
import type { AppGate, Entry } from './app-gate.ts';

export interface HboneStreamsOptions {
  readonly gate: AppGate;
  readonly table: ConnectionTable;
  readonly reporter: Reporter;
  /** Open at a time, of all sessions together. */
  readonly maxStreams: number;
  /** Where the application of an authority listens; undefined when it is not served here. */
  readonly appOf: (authority: Address, localHost: string) => Address | undefined;
}

/** A stream, the session that it is of, and the caller as policies name it. */
export interface AskedStream {
  readonly stream: IncomingStream;
  readonly session: SessionRecord;
  readonly principal: string;
  readonly peer: CallingPeer;
}

/** A stream that names an application of ours. */
interface Addressed {
  readonly stream: IncomingStream;
  readonly about: ConnectionAbout;
  readonly admission: Admission;
  readonly app: Address;
}

const BAD_REQUEST = 400;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const UNAVAILABLE = 503;

/** Brings the streams of HBONE sessions to the application, or answers why not. */
export class HboneStreams {
  readonly #options: HboneStreamsOptions;
  #open = 0;

  constructor(options: HboneStreamsOptions) {
    this.#options = options;
  }

  serve(asked: AskedStream): void {
    const { maxStreams } = this.#options;
    if (this.#open >= maxStreams) {
      const decision = `this workload has ${maxStreams} HBONE streams open, which is the limit`;
      this.#refuse(asked, UNAVAILABLE, { reason: 'limit', decision });
      return;
    }
    const addressed = this.#address(asked);
    if (addressed === undefined) return;
    this.#open += 1;
    let open = true;
    const release = (): void => {
      if (open) this.#open -= 1;
      open = false;
    };
    this.#enter(addressed, release).catch((error: unknown) => {
      release();
      this.#options.reporter.upstreamFailed(addressed.about, messageOf(error));
      asked.stream.refuse(UNAVAILABLE);
    });
  }

  /** Whom the stream is for; undefined when it was refused for that. */
  #address(asked: AskedStream): Addressed | undefined {
    const { stream, session, principal, peer } = asked;
    const shown = JSON.stringify(stream.authority.slice(0, 300));
    const authority = parseAuthority(stream.authority);
    if (authority === undefined) {
      const decision = `${shown} is no address and port`;
      this.#refuse(asked, BAD_REQUEST, { reason: 'not-served', decision });
      return undefined;
    }
    const app = this.#options.appOf(authority, session.destination.host);
    if (app === undefined) {
      const decision = `${shown} is not served by this workload`;
      this.#refuse(asked, NOT_FOUND, { reason: 'not-served', decision });
      return undefined;
    }
    const facts = {
      principal,
      sourceIp: session.source.host,
      destinationIp: isIP(authority.host) === 0 ? session.destination.host : authority.host,
      destinationPort: authority.port,
    };
    const about = { ...aboutOf(session), destination: authority };
    return { stream, about, admission: { mutualTls: true, facts, peer }, app };
  }

  async #enter(addressed: Addressed, release: () => void): Promise<void> {
    const { stream, about, admission, app } = addressed;
    const entry = await this.#options.gate.enter({
      ...{ about, admission, app },
      flow: (destination, decision, http) => {
        if (stream.gone) {
          destination.reset(); // the caller gave up meanwhile
          release();
          return;
        }
        this.#options.table.add({
          ...{ about, source: stream.accept(), destination },
          ...{ admission, decision, http, closed: release },
        });
      },
    });
    if ('entered' in entry) return;
    release();
    this.#turnAway(addressed, entry);
  }

  #turnAway({ stream, about }: Addressed, entry: Exclude<Entry, { entered: true }>): void {
    const { reporter } = this.#options;
    if ('denied' in entry) {
      reporter.denied(about, entry.denied);
      stream.refuse(FORBIDDEN, entry.denied.decision);
    } else {
      reporter.upstreamFailed(about, entry.unreachable);
      stream.refuse(UNAVAILABLE);
    }
  }

  #refuse(
    { stream, session }: AskedStream,
    status: number,
    why: Pick<DeniedConnection, 'reason' | 'decision'>,
  ): void {
    this.#options.reporter.denied(aboutOf(session), why);
    stream.refuse(status);
  }
}

/** What a stream has from its session. */
function aboutOf({ openedAtMs: _, ...session }: SessionRecord): ConnectionAbout {
  return { ...session, transport: 'hbone', sni: undefined };
}
