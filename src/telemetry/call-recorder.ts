import { JUDGED_BY_REQUEST } from '../policy/authorization/judged-by-request.ts';
import {
  addedUp,
  callKey,
  pathShape,
  type RecordedCall,
} from '../policy/questions/recorded-call.ts';
import type { RecordedDenial } from '../policy/questions/recorded-denial.ts';
import type {
  ConnectionRecord,
  DeniedConnection,
  Ends,
  ProxyEvents,
} from '../proxy/proxy-events.ts';
import { DenialQueue } from './denial-queue.ts';

/** One HTTP request to the workload, as the proxy tells of it. */
interface RequestEnded extends Ends {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly verdict: string;
  readonly decision: string;
  readonly status: number;
  readonly endedAtMs: number;
}

/** Kinds of calls that wait to be told; beyond, the kind that was not seen for longest goes. */
const MOST_KINDS = 2_048;
const LONGEST_TEXT = 256;
const SCHEME = 'spiffe://';

/**
 * What comes to a workload, by kind: caller, port, method, shape of the path, whether it was let through. Bounded;
 * what was told is forgotten.
 */
export class CallRecorder implements Partial<ProxyEvents> {
  readonly #calls = new Map<string, RecordedCall>();
  /** The requests that were refused, each by itself. */
  readonly denials = new DenialQueue();
  #dropped = 0;

  /** How many kinds went unseen because there were too many. */
  get dropped(): number {
    return this.#dropped;
  }

  /** What came since the last time, at most `most` kinds, those first that wait for longest. */
  take(most: number): readonly RecordedCall[] {
    const keys = [...this.#calls.keys()].slice(0, most);
    return keys.flatMap((key) => {
      const call = this.#calls.get(key);
      this.#calls.delete(key);
      return call === undefined ? [] : [call];
    });
  }

  /** What could not be told after all. */
  putBack(calls: readonly RecordedCall[]): void {
    for (const call of calls) this.#add(call);
  }

  connectionOpened(connection: ConnectionRecord): void {
    const { decision, openedAtMs } = connection;
    if (connection.direction !== 'inbound' || decision === undefined) return;
    // its requests tell more, and one of them may have been refused
    if (decision === JUDGED_BY_REQUEST) return;
    this.#add({ ...endsOf(connection), allowed: true, decision, lastSeenMs: openedAtMs });
  }

  connectionDenied(connection: DeniedConnection): void {
    const { direction, reason, decision, atMs } = connection;
    if (direction !== 'inbound' || (reason !== 'authorization' && reason !== 'plaintext')) return;
    this.#add({ ...endsOf(connection), allowed: false, decision, lastSeenMs: atMs });
  }

  requestEnded(request: RequestEnded): void {
    const { method, path, host, verdict, decision, requestId, endedAtMs } = request;
    if (request.direction !== 'inbound') return;
    const http = { method, path: pathShape(path), host };
    const allowed = verdict === 'allowed';
    if (!allowed) this.denials.add(denialOf(request));
    this.#add({ ...endsOf(request), http, allowed, decision, lastSeenMs: endedAtMs, requestId });
  }

  #add(call: RecordedCall): void {
    const bounded = withBounds(call);
    const key = callKey(bounded);
    const before = this.#calls.get(key);
    // the order of the map is that of the last sight
    this.#calls.delete(key);
    this.#calls.set(key, before === undefined ? bounded : addedUp(before, bounded));
    if (this.#calls.size <= MOST_KINDS) return;
    const [oldest] = this.#calls.keys();
    if (oldest !== undefined) this.#calls.delete(oldest);
    this.#dropped += 1;
  }
}

function endsOf({ peerId, source, destination }: Ends) {
  const principal = peerId?.startsWith(SCHEME) ? peerId.slice(SCHEME.length) : (peerId ?? '');
  const from = { principal, sourceIp: source.host, port: destination.port };
  return { ...from, http: undefined, count: 1, requestId: '' };
}

function denialOf(request: RequestEnded): RecordedDenial {
  const { principal, sourceIp, port } = endsOf(request);
  const { requestId, method, path, host, status, decision, endedAtMs } = request;
  const asked = { requestId, method, path, host, status, decision, atMs: endedAtMs };
  return { ...asked, principal, sourceIp, port };
}

function withBounds(call: RecordedCall): RecordedCall {
  const { http, decision, principal, requestId } = call;
  const cut = (text: string) => text.slice(0, LONGEST_TEXT);
  return {
    ...call,
    principal: principal.slice(0, 2 * LONGEST_TEXT),
    decision: decision.slice(0, 4 * LONGEST_TEXT),
    requestId: cut(requestId),
    http: http && { method: cut(http.method), path: cut(http.path), host: cut(http.host) },
  };
}
