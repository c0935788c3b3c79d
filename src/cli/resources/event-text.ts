import type { ApiObject } from '../../apiclient/api-object.ts';
import { formatDuration } from '../../lib/duration.ts';

/** An Event of the API for people. */
export interface EventText {
  readonly atMs: number;
  /** `5m`, or `5m (x3 over 2h)`. */
  readonly age: string;
  readonly type: string;
  readonly reason: string;
  /** `Certificate/web`. */
  readonly object: string;
  readonly from: string;
  readonly message: string;
}

export function eventText(event: ApiObject, nowMs: number): EventText {
  const { lastTimestamp, firstTimestamp, eventTime, count, source, involvedObject } = event;
  const lastMs = timeOf(lastTimestamp) ?? timeOf(eventTime) ?? timeOf(firstTimestamp) ?? 0;
  const firstMs = timeOf(firstTimestamp) ?? lastMs;
  const ago = (ms: number): string => formatDuration(Math.max(0, nowMs - ms));
  const often = typeof count === 'number' && count > 1 ? ` (x${count} over ${ago(firstMs)})` : '';
  const { kind, name } = (involvedObject ?? {}) as Readonly<Record<string, unknown>>;
  const { component } = (source ?? {}) as Readonly<Record<string, unknown>>;
  return {
    atMs: lastMs,
    age: `${ago(lastMs)}${often}`,
    type: String(event['type'] ?? ''),
    reason: String(event['reason'] ?? ''),
    object: `${String(kind ?? '')}/${String(name ?? '')}`,
    from: String(component ?? event['reportingComponent'] ?? ''),
    message: String(event['message'] ?? '')
      .trim()
      .replaceAll(/\p{Cc}+/gu, ' '),
  };
}

function timeOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
