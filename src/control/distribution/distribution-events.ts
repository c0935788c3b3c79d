import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { NodeInfo } from '../../xds/node-info.ts';

/** Who looks at the facts, as its client certificate says. */
export interface Viewer {
  readonly id: SpiffeId;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Serial of the key that signed that certificate. */
  readonly signer?: string | undefined;
  /** The connection, by which other services know what else was said on it. */
  readonly link?: object;
}

/** One open stream of an agent. */
export interface ConnectedAgent {
  /** Unlike that of any other stream of this process. */
  readonly connection: number;
  readonly viewer: Viewer;
  /** What the agent says of itself; believed by nobody. */
  readonly node: NodeInfo;
  readonly sinceMs: number;
}

/** What the distribution tells of itself. */
export interface DistributionEvents {
  /** The first request of a stream has come. */
  connected(agent: ConnectedAgent): void;
  /** A stream that was told of by `connected` has ended. */
  disconnected(agent: ConnectedAgent): void;
  /** An agent has applied a response made at this store version. */
  acked(agent: ConnectedAgent, typeUrl: string, version: number): void;
  /** An agent did not take some of a response; `detail` names what and why, in its own words. */
  nacked(agent: ConnectedAgent, typeUrl: string, detail: string): void;
  /** The store could not be read; agents keep what they have, and it is tried again. */
  interrupted(reason: string): void;
}
