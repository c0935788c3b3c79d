/** A resource as it came, before anybody looked into it. */
export interface ReceivedResource {
  readonly name: string;
  /** Opaque: equal versions of one name have equal content. */
  readonly version: string;
  /** Type of the message in `bytes`, not of the subscription. */
  readonly typeUrl: string;
  readonly bytes: Uint8Array;
}

/** What one response changes. */
export interface ResourceDelta {
  /** The subscription's type. */
  readonly typeUrl: string;
  readonly resources: readonly ReceivedResource[];
  readonly removed: readonly string[];
  /** False while more of the same state follows; what is held in between is not yet a state. */
  readonly complete: boolean;
}

/** A resource that was not accepted; what was held under its name before still is. */
export interface Rejection {
  readonly name: string;
  readonly reason: string;
}

/** Who holds what a client receives. */
export interface ResourceSink {
  /** The versions held of a type, by name; a reconnecting client is not sent these again. */
  versions(typeUrl: string): ReadonlyMap<string, string>;
  /** Takes what is good of a delta and returns what is not. Throws only when nothing was taken. */
  apply(delta: ResourceDelta): readonly Rejection[];
}
