import type { Program } from './program-group.ts';
import type { Stage } from './stage.ts';

export const pairNames = ['hauberk', 'nginx', 'haproxy'] as const;
export type PairName = (typeof pairNames)[number];

/** The caller's sidecar and the callee's, mutual TLS between them, the application behind. */
export interface RunningPair {
  readonly name: PairName;
  /** Where the caller's program comes in, in plaintext. */
  readonly port: number;
  /** Where the callee's sidecar takes mutual TLS. */
  readonly tlsPort: number;
  readonly caller: Program;
  readonly callee: Program;
}

/** Resolves when both sidecars are ready. @throws {MeshError} when one of them does not start. */
export type StartPair = (stage: Stage) => Promise<RunningPair>;
