/** What the first bytes of a client are; `unfinished`: they may still become either. */
export type FoundProtocol = 'http1' | 'http2' | 'other' | 'unfinished';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** A method and the blank after it, or the beginning of that. */
const METHOD = /^[A-Z][A-Z0-9_-]{0,31}(?: |$)/;
const LONGEST_METHOD = 33;
/** What methods are written in, in a first line that goes on as HTTP does. */
const REQUEST_LINE = /^[A-Za-z][A-Za-z0-9_-]{0,31} [^\r\n]* HTTP\/[0-9](?:\.[0-9])?\r?\n/;
const LONGEST_LINE = 8 * 1024;

/**
 * Tells HTTP by how it begins, as Envoy's inspector does: the preface of HTTP/2, or a request line
 * with a version. Lines that look like one but are malformed are HTTP too, and then refused.
 */
export function detectHttp(first: Buffer): FoundProtocol {
  const text = first.toString('latin1', 0, LONGEST_LINE);
  if (text.startsWith(PREFACE)) return 'http2';
  if (PREFACE.startsWith(text)) return 'unfinished';
  if (!/^[A-Za-z]/.test(text)) return 'other';
  if (REQUEST_LINE.test(text)) return 'http1';
  const lineEnded = text.includes('\n');
  if (lineEnded || text.length >= LONGEST_LINE) return 'other';
  if (!text.includes(' '))
    return text.length <= LONGEST_METHOD && METHOD.test(text) ? 'unfinished' : 'other';
  return METHOD.test(text) ? 'unfinished' : 'other';
}
