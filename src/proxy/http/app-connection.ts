import type { Channel, ChannelHandlers } from '../bytes/channel.ts';

/** A connection to the application that one channel has after the other. */
export class AppConnection {
  readonly #channel: Channel;
  #user: ChannelHandlers | undefined;
  #lost: (() => void) | undefined;
  #full = false;
  /** The application has ended its side, or all of it. */
  #over = false;

  /** @param channel has not been started; this starts it. */
  constructor(channel: Channel) {
    this.#channel = channel;
    channel.start({
      data: (chunk, lent) => {
        if (this.#user === undefined) this.#refuse();
        else this.#user.data(chunk, lent);
      },
      end: () => {
        this.#over = true;
        if (this.#user === undefined) this.#refuse();
        else this.#user.end();
      },
      drain: () => {
        this.#full = false;
        this.#user?.drain();
      },
      closed: (error) => {
        this.#over = true;
        if (this.#user === undefined) this.#lost?.();
        else this.#user.closed(error);
      },
    });
  }

  /** From now on all that happens is told to `user`, and to nobody else. */
  attach(user: ChannelHandlers): void {
    this.#user = user;
    this.#lost = undefined;
  }

  /**
   * From now on nothing should happen. False: it is no good any more. Should the application send
   * something, or go, `lost` is called once and the connection is cut: whatever it says answers nobody.
   */
  rest(lost: () => void): boolean {
    this.#user = undefined;
    this.#lost = lost;
    if (this.#over || this.#full) return false;
    this.#channel.resume();
    return true;
  }

  write(chunk: Uint8Array, lent: boolean): boolean {
    const room = this.#channel.write(chunk, lent);
    if (!room) this.#full = true;
    return room;
  }

  end(): void {
    this.#channel.end();
  }

  pause(): void {
    this.#channel.pause();
  }

  resume(): void {
    this.#channel.resume();
  }

  reset(): void {
    this.#channel.reset();
  }

  #refuse(): void {
    const lost = this.#lost;
    this.#lost = undefined;
    lost?.();
    this.#channel.reset();
  }
}
