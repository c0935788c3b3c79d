/** What is done with the bytes of a connection, once it is known what they are. */
export interface JoinMode {
  fromSource(chunk: Buffer, lent: boolean): void;
  sourceEnded(): void;
  /** The source takes more again. */
  sourceDrained(): void;
  fromDestination(chunk: Buffer, lent: boolean): void;
  destinationEnded(): void;
  destinationDrained(): void;
  /** The destination is gone. False: cut the source. */
  destinationLost(): boolean;
  /** Why what is under way may not be any more; undefined when it may. */
  recheck(): string | undefined;
  /** Once, when the source is gone. */
  over(): void;
}
