import type { Channel } from '../bytes/channel.ts';
import type { JoinMode } from './join-mode.ts';
import { opaqueMode } from './opaque-mode.ts';

export interface AskedModeOptions {
  readonly source: Channel;
  readonly destination: Channel;
  /** Why the connection may not be; undefined when it may. Never rejects. */
  readonly admitted: Promise<string | undefined>;
  /** Told why it may not. */
  readonly refused: (reason: string) => void;
  /** Why it may not be any more, once it was admitted. */
  readonly recheck: () => string | undefined;
}

/** Bytes that are no HTTP, of a connection about which somebody is asked: nothing passes before the answer. */
export class AskedMode implements JoinMode {
  readonly #options: AskedModeOptions;
  #mode: JoinMode | undefined;
  #over = false;
  readonly #held: Buffer[] = [];
  #sourceEnded = false;

  constructor(options: AskedModeOptions) {
    this.#options = options;
    void options.admitted.then((reason) => this.#answered(reason));
  }

  fromSource(chunk: Buffer, lent: boolean): void {
    if (this.#mode !== undefined) return void this.#mode.fromSource(chunk, lent);
    this.#held.push(Buffer.from(chunk));
    this.#options.source.pause();
  }

  sourceEnded(): void {
    this.#sourceEnded = true;
    this.#mode?.sourceEnded();
  }

  sourceDrained(): void {
    this.#mode?.sourceDrained();
  }

  fromDestination(chunk: Buffer, lent: boolean): void {
    this.#mode?.fromDestination(chunk, lent);
  }

  destinationEnded(): void {
    this.#mode?.destinationEnded();
  }

  destinationDrained(): void {
    this.#mode?.destinationDrained();
  }

  destinationLost(): boolean {
    return this.#mode?.destinationLost() ?? false;
  }

  recheck(): string | undefined {
    return this.#mode?.recheck();
  }

  over(): void {
    this.#over = true;
    this.#mode?.over();
  }

  #answered(reason: string | undefined): void {
    const { source, destination, refused, recheck } = this.#options;
    if (this.#over) return;
    if (reason !== undefined) {
      refused(reason);
      this.#over = true;
      source.reset();
      destination.reset();
      return;
    }
    this.#mode = opaqueMode(source, destination, recheck);
    // without a byte of the client's nothing would make the connection
    destination.write(Buffer.alloc(0), false);
    for (const chunk of this.#held.splice(0)) this.#mode.fromSource(chunk, false);
    source.resume();
    if (this.#sourceEnded) this.#mode.sourceEnded();
  }
}
