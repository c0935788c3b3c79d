import type { PeerCredentials } from '../../attestation/peer-credentials.ts';
import type { NodeInfo } from '../../xds/node-info.ts';

/** One open SDS stream, for the sidecar's status. Times are in milliseconds since 1970. */
export interface SdsClientStatus {
  readonly node: string;
  readonly pid: number;
  readonly variant: 'sotw' | 'delta';
  /** The names that it asked for first. */
  readonly names: readonly string[];
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
  /** The same by what was asked for. */
  readonly byResource: Readonly<Record<SdsResource, SdsTotals>>;
}

/** What a stream is for: the own certificate, or whom to trust, or both. */
export type SdsResource = 'certificate' | 'validation' | 'both';

export interface SdsTotals {
  readonly pushed: number;
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
  /** A response goes out. */
  pushed(): void;
  acknowledged(): void;
  rejected(detail: string): void;
  left(): void;
}

/** Keeps count of who is connected, and of what was accepted and refused. */
export class SdsClients {
  readonly #events: SdsEvents;
  readonly #now: () => number;
  readonly #open = new Map<object, SdsClientStatus>();
  readonly #totals = {
    certificate: { pushed: 0, acknowledged: 0, rejected: 0 },
    validation: { pushed: 0, acknowledged: 0, rejected: 0 },
    both: { pushed: 0, acknowledged: 0, rejected: 0 },
  };

  constructor(events: SdsEvents, now: () => number) {
    this.#events = events;
    this.#now = now;
  }

  get status(): SdsStatus {
    return {
      clients: [...this.#open.values()],
      acknowledged: this.#sum('acknowledged'),
      rejected: this.#sum('rejected'),
      byResource: structuredClone(this.#totals),
    };
  }

  #sum(count: keyof SdsTotals): number {
    return Object.values(this.#totals).reduce((sum, totals) => sum + totals[count], 0);
  }

  /** @param asked names and what they are, as the stream's first request has them */
  join(
    variant: SdsClientStatus['variant'],
    { pid }: PeerCredentials,
    asked: { readonly names: readonly string[]; readonly resource: SdsResource },
  ): SdsClient {
    const totals = this.#totals[asked.resource];
    const key = {};
    let status: SdsClientStatus = {
      ...{ node: '', pid, variant, names: asked.names, connectedAtMs: this.#now() },
      ...{ acknowledged: 0, rejected: 0, rejection: undefined },
    };
    const update = (changes: Partial<SdsClientStatus>): void => {
      status = { ...status, ...changes };
      this.#open.set(key, status);
    };
    update({});
    return {
      opened: ({ id }) => update({ node: id }),
      pushed: () => {
        totals.pushed += 1;
      },
      acknowledged: () => {
        totals.acknowledged += 1;
        update({ acknowledged: status.acknowledged + 1, rejection: undefined });
      },
      rejected: (detail) => {
        totals.rejected += 1;
        const rejection = { atMs: this.#now(), detail };
        update({ rejected: status.rejected + 1, rejection });
        this.#events.secretRejected({ node: status.node, pid, detail });
      },
      left: () => this.#open.delete(key),
    };
  }
}
