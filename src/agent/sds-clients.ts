import type { PeerCredentials } from '../attestation/peer-credentials.ts';
import type { NodeInfo } from '../xds/node-info.ts';

/** One open SDS stream, for the sidecar's status. Times are in milliseconds since 1970. */
export interface SdsClientStatus {
  readonly node: string;
  readonly pid: number;
  readonly variant: 'sotw' | 'delta';
  readonly connectedAtMs: number;
  readonly acknowledged: number;
  readonly rejected: number;
  /** Why the client refused what it was sent last; undefined since it accepted something newer. */
  readonly rejection: { readonly atMs: number; readonly detail: string } | undefined;
}

export interface SdsStatus {
  readonly clients: readonly SdsClientStatus[];
  /** Since the sidecar started, of clients that have left too. */
  readonly acknowledged: number;
  readonly rejected: number;
}

/** What the agent's sockets tell of their work. */
export interface SdsEvents {
  /** An Envoy goes on with the secret before. */
  secretRejected(event: { readonly node: string; readonly pid: number; detail: string }): void;
}

/** One client's part of the books. */
export interface SdsClient {
  opened(node: NodeInfo): void;
  acknowledged(): void;
  rejected(detail: string): void;
  left(): void;
}

/** Keeps count of who is connected, and of what was accepted and refused. */
export class SdsClients {
  readonly #events: SdsEvents;
  readonly #now: () => number;
  readonly #open = new Map<object, SdsClientStatus>();
  #acknowledged = 0;
  #rejected = 0;

  constructor(events: SdsEvents, now: () => number) {
    this.#events = events;
    this.#now = now;
  }

  get status(): SdsStatus {
    return {
      clients: [...this.#open.values()],
      acknowledged: this.#acknowledged,
      rejected: this.#rejected,
    };
  }

  join(variant: SdsClientStatus['variant'], { pid }: PeerCredentials): SdsClient {
    const key = {};
    let status: SdsClientStatus = {
      ...{ node: '', pid, variant, connectedAtMs: this.#now() },
      ...{ acknowledged: 0, rejected: 0, rejection: undefined },
    };
    const update = (changes: Partial<SdsClientStatus>): void => {
      status = { ...status, ...changes };
      this.#open.set(key, status);
    };
    update({});
    return {
      opened: ({ id }) => update({ node: id }),
      acknowledged: () => {
        this.#acknowledged += 1;
        update({ acknowledged: status.acknowledged + 1, rejection: undefined });
      },
      rejected: (detail) => {
        this.#rejected += 1;
        const rejection = { atMs: this.#now(), detail };
        update({ rejected: status.rejected + 1, rejection });
        this.#events.secretRejected({ node: status.node, pid, detail });
      },
      left: () => this.#open.delete(key),
    };
  }
}
