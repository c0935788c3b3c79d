/** What to do with a session when the time of a probe has come. */
export type ProbeStep = 'nothing' | 'ping' | 'drain' | 'dead';

/** Finds out, from one probe to the next, whether the peer of a session is there and needs it. */
export class SessionProbe {
  readonly #maxIdle: number;
  #asked = false;
  #idle = 0;

  /** `maxIdle`: so many probes in a row without a stream are borne. */
  constructor(maxIdle: number) {
    this.#maxIdle = maxIdle;
  }

  /** To be called at intervals, with the streams that are open. */
  next(streams: number): ProbeStep {
    if (this.#asked) return 'dead';
    this.#idle = streams === 0 ? this.#idle + 1 : 0;
    if (this.#idle > this.#maxIdle) return 'drain';
    if (streams === 0) return 'nothing';
    this.#asked = true;
    return 'ping';
  }

  /** The peer has answered a ping. */
  answered(): void {
    this.#asked = false;
  }
}
