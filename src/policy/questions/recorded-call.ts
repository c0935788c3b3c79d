/** Calls of one kind to one workload: what the mesh remembers of them. */
export interface RecordedCall {
  /** Identity of the caller without `spiffe://`; empty on plaintext. */
  readonly principal: string;
  /** Address of the peer that called last. */
  readonly sourceIp: string;
  /** Port of the workload. */
  readonly port: number;
  /** Undefined: a connection that was not read as HTTP. */
  readonly http:
    | {
        readonly method: string;
        /** Segments that name single things are `{*}`. */
        readonly path: string;
        readonly host: string;
      }
    | undefined;
  readonly allowed: boolean;
  /** Which policy and rule, in one line. */
  readonly decision: string;
  readonly count: number;
  readonly lastSeenMs: number;
  /** Of the last one; empty where it has none. */
  readonly requestId: string;
}

/** A call with the workload that it was to. */
export interface WorkloadCall extends RecordedCall {
  readonly namespace: string;
  readonly workload: string;
}

/** What tells calls of one kind from others; their counts are added up. */
export function callKey({ principal, sourceIp, port, http, allowed }: RecordedCall): string {
  // plaintext callers have nothing but their address
  const who = principal === '' ? sourceIp : principal;
  return JSON.stringify([who, port, allowed, http?.method, http?.path, http?.host]);
}

/** Two records of one kind as one. */
export function addedUp<T extends RecordedCall>(before: T, more: T): T {
  const newer = more.lastSeenMs >= before.lastSeenMs ? more : before;
  return { ...newer, count: before.count + more.count };
}

const NUMBER = /^\d+$/;
const LONG_HEX = /^[0-9a-f-]{8,}$/i;
const HAS_DIGIT = /\d/;
const LONGEST_SEGMENT = 40;
const MOST_SEGMENTS = 16;

/**
 * A path with `{*}` for segments that look like the name of a single thing: numbers, UUIDs and other
 * hexadecimal names, and very long ones. So a record stays small and names nobody.
 */
export function pathShape(path: string): string {
  const segments = path.split('/');
  const shown = segments.slice(0, MOST_SEGMENTS).map((segment) => {
    const isName =
      NUMBER.test(segment) ||
      (LONG_HEX.test(segment) && HAS_DIGIT.test(segment)) ||
      segment.length > LONGEST_SEGMENT;
    return isName ? '{*}' : segment;
  });
  return segments.length > MOST_SEGMENTS ? `${shown.join('/')}/{*}` : shown.join('/');
}

/** A path that has the shape, for policies to be asked about. */
export function pathOfShape(shape: string): string {
  return shape.replaceAll('{*}', '0');
}
