import type { Program } from './program-group.ts';
import type { Stage } from './stage.ts';

export const pairNames = [
  ...(['hauberk', 'nginx', 'haproxy', 'envoy'] as const),
  ...(['nginx-http', 'haproxy-http', 'envoy-http', 'direct'] as const),
  ...(['hauberk-l7', 'hauberk-jwt', 'envoy-rbac', 'envoy-jwt'] as const),
  ...(['stage-splice', 'stage-tls', 'stage-hbone'] as const),
] as const;
export type PairName = (typeof pairNames)[number];

/** Carries bytes as they are, or reads HTTP and keeps connections to the application. */
export type PeerMode = 'tcp' | 'http';

/** What is asked of each request beside being carried. */
export type RequestCheck = 'rbac' | 'jwt';

/** With what a client of its own shakes hands with the callee's sidecar. */
export interface TlsClient {
  /** PEM files. */
  readonly chain: string;
  readonly key: string;
  /** Protocols to offer. */
  readonly alpn: readonly string[];
}

/** The caller's sidecar and the callee's, mutual TLS between them, the application behind. */
export interface RunningPair {
  readonly name: PairName;
  /** Where the caller's program comes in, in plaintext. */
  readonly port: number;
  /** Where the callee's sidecar takes mutual TLS; undefined for the application without sidecars. */
  readonly tlsPort: number | undefined;
  /** A header of every request, where the pair wants one. */
  readonly header?: string;
  /** Undefined for the application without sidecars. */
  readonly client: TlsClient | undefined;
  /** None of them for the application without sidecars. */
  readonly caller: Program | undefined;
  readonly callee: Program | undefined;
}

/** Resolves when both sidecars are ready. @throws {MeshError} when one of them does not start. */
export type StartPair = (stage: Stage) => Promise<RunningPair>;
