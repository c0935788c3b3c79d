import type { Ends } from '../proxy-events.ts';
import type { Reporter } from '../reporter.ts';
import type { JudgedRequest } from './http-guard.ts';
import type { HttpRequest } from './http-request.ts';

/** What was decided on a request; the words of what is allowed are found only when they are needed. */
export type RequestVerdict =
  | { readonly verdict: 'allowed'; readonly decision: () => string }
  | { readonly verdict: 'denied' | 'unauthenticated'; readonly decision: string };

export interface ReportedRequest {
  readonly request: HttpRequest;
  readonly path: string;
  readonly id: string;
  readonly startedAtMs: number;
  readonly ends: Ends;
  readonly reporter: Reporter;
  readonly verdict: RequestVerdict;
}

/** Tells the reporter when a request is over. The query is left out: it may hold secrets. */
export function requestReport(reported: ReportedRequest): JudgedRequest {
  const { request, path, id, startedAtMs, ends, reporter, verdict } = reported;
  return {
    recheck: () => undefined,
    ended(outcome) {
      reporter.requestEnded({
        ...ends,
        ...outcome,
        ...{ requestId: id, protocol: request.protocol, method: request.method, path },
        ...{ host: request.authority ?? '', startedAtMs, endedAtMs: reporter.nowMs },
        verdict: verdict.verdict,
        get decision() {
          return typeof verdict.decision === 'string' ? verdict.decision : verdict.decision();
        },
      });
    },
  };
}
