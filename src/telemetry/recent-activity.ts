import type { ProxyEvents } from '../proxy/proxy-events.ts';

/** One thing that happened in the proxy, newest last in a list of them. */
export interface Activity {
  readonly event: keyof ProxyEvents;
  readonly atMs: number;
  readonly record: object;
}

export interface RecentActivity {
  readonly events: ProxyEvents;
  /** The newest records, oldest first. */
  list(): readonly Activity[];
  /** How often each event came since the start. */
  readonly totals: Readonly<Record<keyof ProxyEvents, number>>;
  /** Workload ports on which the server speaks first, and since when that is known. */
  readonly serverFirst: ReadonlyMap<number, number>;
}

const KEPT = 256;

/** Remembers the newest 256 events of a proxy, for `status` and for whoever debugs. */
export function recentActivity(now: () => number): RecentActivity {
  const ring: Activity[] = [];
  let next = 0;
  const totals: Record<keyof ProxyEvents, number> = {
    connectionOpened: 0,
    connectionClosed: 0,
    connectionDenied: 0,
    handshakeFailed: 0,
    upstreamFailed: 0,
    requestEnded: 0,
    httpMalformed: 0,
    sessionOpened: 0,
    sessionClosed: 0,
    fallbackUsed: 0,
    portLearned: 0,
  };
  const serverFirst = new Map<number, number>();
  const keep =
    (event: keyof ProxyEvents) =>
    (record: object): void => {
      totals[event] += 1;
      ring[next] = { event, atMs: now(), record };
      next = (next + 1) % KEPT;
    };
  return {
    totals,
    serverFirst,
    list: () => [...ring.slice(next), ...ring.slice(0, next)],
    events: {
      connectionOpened: keep('connectionOpened'),
      connectionClosed: keep('connectionClosed'),
      connectionDenied: keep('connectionDenied'),
      handshakeFailed: keep('handshakeFailed'),
      upstreamFailed: keep('upstreamFailed'),
      // Those that were allowed are too many to be remembered one by one.
      requestEnded: (record) => {
        if (record.verdict === 'allowed') totals.requestEnded += 1;
        else keep('requestEnded')({ ...record, decision: record.decision });
      },
      httpMalformed: keep('httpMalformed'),
      sessionOpened: keep('sessionOpened'),
      sessionClosed: keep('sessionClosed'),
      fallbackUsed: keep('fallbackUsed'),
      portLearned: (learned) => {
        keep('portLearned')(learned);
        if (learned.serverFirst) serverFirst.set(learned.port, learned.atMs);
        else serverFirst.delete(learned.port);
      },
    },
  };
}
