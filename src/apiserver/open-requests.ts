import { StatusError } from './status-error.ts';

/** How many may be open at a time. */
export interface OpenRequestLimits {
  /** That are being answered. */
  readonly most: number;
  /** That are answered as long as somebody listens: watches, logs that are followed. */
  readonly mostLasting: number;
}

/** The place that one request takes. */
export interface RequestPlace {
  /**
   * Makes the place one of the lasting, so that those who only wait keep nobody from asking.
   *
   * @throws {StatusError} TooManyRequests when all lasting places are taken.
   */
  last(): void;
  /** Gives the place back; giving it back again does nothing. */
  leave(): void;
}

/** Counts what is open, and refuses what would be too much: every request costs memory until it ends. */
export class OpenRequests {
  readonly #limits: OpenRequestLimits;
  readonly #open = { short: 0, lasting: 0 };

  constructor(limits: OpenRequestLimits) {
    this.#limits = limits;
  }

  /** @throws {StatusError} TooManyRequests when all places are taken. */
  enter(): RequestPlace {
    if (this.#open.short >= this.#limits.most) throw tooMany('requests', this.#limits.most);
    this.#open.short += 1;
    let place: 'short' | 'lasting' | undefined = 'short';
    return {
      last: () => {
        if (place !== 'short') return;
        const { mostLasting } = this.#limits;
        if (this.#open.lasting >= mostLasting) throw tooMany('watches', mostLasting);
        this.#open.short -= 1;
        this.#open.lasting += 1;
        place = 'lasting';
      },
      leave: () => {
        if (place !== undefined) this.#open[place] -= 1;
        place = undefined;
      },
    };
  }
}

function tooMany(what: string, most: number): StatusError {
  return new StatusError('TooManyRequests', `${most} ${what} are open, please try again later`, {
    retryAfterSeconds: 1,
  });
}
