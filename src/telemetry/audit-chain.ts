import { createHash } from 'node:crypto';

/** What the first line of a log says that it follows. */
export const CHAIN_START: string = '0'.repeat(64);

/** The hash by which the next line names this one. */
export function hashOfLine(line: string): string {
  return createHash('sha256').update(line).digest('hex');
}

/** What can be said of a log: whole, or where it was altered first. */
export type ChainVerdict =
  | {
      readonly whole: true;
      readonly lines: number;
      /** Lines at the beginning, of a version that did not chain yet; nothing can be said of them. */
      readonly unchained: number;
      /** Of the last line: kept elsewhere, it proves later that nothing was cut off. */
      readonly head: string;
      /** Whether one of the lines has the hash that was expected, if one was. */
      readonly expected: boolean;
    }
  | { readonly whole: false; readonly line: number; readonly reason: string };

/** Follows a log from its first line; each chained line names the one before it by its hash. */
export async function verifyChain(
  lines: AsyncIterable<string> | Iterable<string>,
  expectedHead?: string,
): Promise<ChainVerdict> {
  let head = CHAIN_START;
  let count = 0;
  let unchained = 0;
  let expected = expectedHead === undefined;
  for await (const line of lines) {
    count += 1;
    const previous = previousIn(line);
    if (previous === undefined) return altered(count, 'it is not a record of the audit log');
    if (previous === '') {
      if (unchained < count - 1) return altered(count, 'it does not say what it follows');
      unchained += 1;
    } else if (previous !== head) {
      return altered(
        count,
        'what stands before it is not what it follows: a line was altered, removed or put in',
      );
    }
    head = hashOfLine(line);
    expected ||= head === expectedHead;
  }
  return { whole: true, lines: count, unchained, head, expected };
}

function altered(line: number, reason: string): ChainVerdict {
  return { whole: false, line, reason };
}

/** The hash of the line before; '' where the line has none, undefined where it is no record. */
function previousIn(line: string): string | undefined {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record !== 'object' || record === null || !('event' in record)) return undefined;
    const { previous = '' } = record as { readonly previous?: unknown };
    return typeof previous === 'string' ? previous : undefined;
  } catch {
    return undefined;
  }
}
