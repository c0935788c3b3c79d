/** The bounds that a proxy keeps. All have defaults; see `defaultLimits`. */
export interface ProxyLimits {
  /** Open connections per listener; more are refused. Default 10,000. */
  readonly maxConnections: number;
  /** HBONE streams open at a time in one session; the peer opens another session. Default 512. */
  readonly maxStreamsPerSession: number;
  /** How long a TCP connection may take to come about, in milliseconds. Default 5,000. */
  readonly connectTimeoutMs: number;
  /** How long a TLS handshake, or an HBONE answer, may take, in milliseconds. Default 10,000. */
  readonly handshakeTimeoutMs: number;
  /**
   * How long a client may be silent before it counts as waiting for the server to speak first, in
   * milliseconds, where plaintext is allowed. Default 1,000.
   */
  readonly firstBytesTimeoutMs: number;
  /** How long the head of an HTTP request may take to come, in milliseconds. Default 60,000. */
  readonly headTimeoutMs: number;
  /**
   * How long a connection to the application waits for another request when its client has gone, in
   * milliseconds. Default 1,000: shorter than any server's own that we know (Gunicorn's is 2 s), so that
   * it seldom is the application that closes.
   */
  readonly appRestMs: number;
  /** The same on ports where the server is known to speak first. Default 50 ms. */
  readonly learnedFirstBytesTimeoutMs: number;
  /** Handshakes that others have under way here at a time. Default 512. */
  readonly maxHandshakes: number;
  /** Handshakes that one peer address may begin a second, in the long run. Default 500. */
  readonly handshakesPerSecond: number;
  /** How many of them it may begin at once. Default 2,000. */
  readonly handshakeBurst: number;
  /** Pause after the first failed dial of an address, in milliseconds; doubles. Default 100. */
  readonly firstDialBackoffMs: number;
  /** Longest pause between dials of an address, in milliseconds. Default 5,000. */
  readonly maxDialBackoffMs: number;
  /**
   * How long a caller waits for addresses that were lost, and how long an address may have been lost
   * to be waited for, in milliseconds. Default 2,000.
   */
  readonly redialWithinMs: number;
  /**
   * How often an HBONE session must answer a ping while streams are open, and how often other connections are
   * looked at, in milliseconds. Default 20,000.
   */
  readonly probeIntervalMs: number;
  /**
   * How long the peer of a connection without HBONE may leave unanswered what is sent to it again and again, in
   * milliseconds; noticed with the next look. Default 60,000.
   */
  readonly unansweredMs: number;
}

/** The bounds of a proxy that was not told otherwise. */
export const defaultLimits: ProxyLimits = {
  maxConnections: 10_000,
  maxStreamsPerSession: 512,
  connectTimeoutMs: 5_000,
  handshakeTimeoutMs: 10_000,
  firstBytesTimeoutMs: 1_000,
  headTimeoutMs: 60_000,
  appRestMs: 1_000,
  learnedFirstBytesTimeoutMs: 50,
  maxHandshakes: 512,
  handshakesPerSecond: 500,
  handshakeBurst: 2_000,
  firstDialBackoffMs: 100,
  maxDialBackoffMs: 5_000,
  redialWithinMs: 2_000,
  probeIntervalMs: 20_000,
  unansweredMs: 60_000,
};
