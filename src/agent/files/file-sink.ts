import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { newest } from '../../lib/newest.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { type Served, servedCertificate, type TlsAddress } from '../socket/served-certificate.ts';
import { type ReloadHook, reload } from './reload-hook.ts';
import { type SvidFileNames, writeSvidFiles } from './svid-files.ts';

export interface FileSinkConfig {
  readonly directory: string;
  readonly names: SvidFileNames;
  readonly hook: ReloadHook | undefined;
  /** Where a handshake must show the certificate after the hook. */
  readonly verify: TlsAddress | undefined;
}

/** How far the newest certificate has come. Times in milliseconds since 1970. */
export interface FileSinkStatus {
  readonly directory: string;
  /** Of the certificate in the files; undefined before the first was written. */
  readonly serial: string | undefined;
  readonly writtenAtMs: number | undefined;
  /**
   * `unchecked` where nothing says where it is served; `waiting` until it is; `served` since a
   * handshake has shown it; `not-served` when none did in time, which is tried again.
   */
  readonly state: 'unchecked' | 'waiting' | 'served' | 'not-served';
  /** What went wrong last with this certificate. */
  readonly problem: string | undefined;
}

export interface FileSinkEvents {
  written(event: { readonly directory: string; readonly serial: string }): void;
  /** Writing or telling the program failed. */
  failed(event: { readonly directory: string; readonly reason: string }): void;
  served(event: { readonly address: string; readonly serial: string }): void;
  /** The program goes on with another certificate, which will expire. Told once a certificate. */
  notServed(event: {
    readonly address: string;
    readonly serial: string;
    readonly reason: string;
  }): void;
}

export interface FileSinkOptions extends FileSinkConfig {
  readonly identity: Watchable<Identity>;
  readonly clock: Clock;
  readonly events: FileSinkEvents;
  /** Default: a real handshake. */
  readonly look?: (address: TlsAddress, identity: Identity) => Promise<Served>;
}

const RETRY = { firstMs: 500, maxMs: 60_000 };
const FIRST_LOOK_MS = 100;
/** A program has so long to take the files up before it is called a failure. */
const PATIENCE_MS = 30_000;
const LOOK_AGAIN_MS = 30_000;
/** A server that reloads has workers of both kinds for a moment. */
const HANDSHAKES_IN_A_ROW = 3;

/**
 * Keeps files for a program that can read nothing else, tells it of each change, and makes sure that
 * it serves what it was given.
 */
export class FileSink {
  readonly #options: FileSinkOptions;
  #status: FileSinkStatus;

  constructor(options: FileSinkOptions) {
    this.#options = options;
    const state = options.verify === undefined ? 'unchecked' : 'waiting';
    const { directory } = options;
    this.#status = {
      directory,
      serial: undefined,
      writtenAtMs: undefined,
      state,
      problem: undefined,
    };
  }

  get status(): FileSinkStatus {
    return this.#status;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { identity } = this.#options;
    for await (const current of newest(identity, signal)) {
      const replaced = new AbortController();
      const stop = identity.subscribe(() => replaced.abort());
      await this.#deliver(current, AbortSignal.any([signal, replaced.signal]));
      stop();
    }
  }

  /** Until it is served, or the next one is there. */
  async #deliver(identity: Identity, signal: AbortSignal): Promise<void> {
    const { clock, verify, events, directory } = this.#options;
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        await this.#write(identity, signal);
        break;
      } catch (error) {
        const reason = messageOf(error);
        this.#update({ problem: reason });
        events.failed({ directory, reason });
        await clock.sleep(backoffMs(failures, RETRY), signal);
      }
    }
    if (verify !== undefined && !signal.aborted) await this.#see(verify, identity, signal);
  }

  async #write(identity: Identity, signal: AbortSignal): Promise<void> {
    const { directory, names, hook, clock, events, verify } = this.#options;
    await writeSvidFiles(directory, names, identity);
    const serial = serialOf(identity);
    const state = verify === undefined ? 'unchecked' : 'waiting';
    this.#update({ serial, writtenAtMs: clock.now(), state, problem: undefined });
    events.written({ directory, serial });
    if (hook !== undefined) await reload(hook, directory, signal);
  }

  async #see(address: TlsAddress, identity: Identity, signal: AbortSignal): Promise<void> {
    const { clock, events, look = servedCertificate } = this.#options;
    const serial = serialOf(identity);
    const where = `${address.host}:${address.port}`;
    const deadlineMs = clock.elapsedMs() + PATIENCE_MS;
    let inRow = 0;
    for (let looks = 1; !signal.aborted; looks += 1) {
      const served = await look(address, identity);
      if (signal.aborted) return;
      inRow = shows(served, serial) ? inRow + 1 : 0;
      if (inRow === HANDSHAKES_IN_A_ROW) {
        this.#update({ state: 'served', problem: undefined });
        events.served({ address: where, serial });
        return;
      }
      if (inRow > 0) {
        await clock.sleep(FIRST_LOOK_MS, signal);
        continue;
      }
      const late = clock.elapsedMs() >= deadlineMs;
      this.#missed({ address: where, serial, served, late });
      const pauseMs = late ? LOOK_AGAIN_MS : Math.min(FIRST_LOOK_MS * 2 ** (looks - 1), 5_000);
      await clock.sleep(pauseMs, signal);
    }
  }

  #missed({ address, serial, served, late }: Missed): void {
    const reason = 'serial' in served ? `it serves certificate ${served.serial}` : served.reason;
    this.#update({ problem: `${address}: ${reason}` });
    if (!late || this.#status.state === 'not-served') return;
    this.#update({ state: 'not-served' });
    this.#options.events.notServed({ address, serial, reason });
  }

  #update(changes: Partial<FileSinkStatus>): void {
    this.#status = { ...this.#status, ...changes };
  }
}

interface Missed {
  readonly address: string;
  readonly serial: string;
  readonly served: Served;
  readonly late: boolean;
}

/** Leading zeros are written or not. */
function shows(served: Served, serial: string): boolean {
  return 'serial' in served && BigInt(`0x${served.serial}`) === BigInt(`0x${serial}`);
}

function serialOf({ svid }: Identity): string {
  return svid.chain[0]?.serial ?? '';
}
