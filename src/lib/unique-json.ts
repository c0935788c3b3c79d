import { MeshError, type MeshErrorCode } from './errors.ts';

const MAX_DEPTH = 32;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/** What is being read, for the sentence that refuses it: `the bundle`. */
export interface JsonSubject {
  readonly what: string;
  readonly code: MeshErrorCode;
}

/**
 * Parses JSON in which no object may name a key twice (`JSON.parse` keeps the last in silence) and
 * nothing is nested deeper than 32 levels.
 *
 * @throws {MeshError} with the subject's code, quoting the key, or with the syntax error as its cause.
 */
export function parseUniqueJson(text: string, subject: JsonSubject): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Not with the parser's words: they quote the text, which a stranger wrote.
    throw new MeshError(subject.code, `${subject.what} is not JSON`, { cause });
  }
  checkKeys(text, subject);
  return value;
}

/** `text` is valid JSON, so brackets match and a string before a colon is a key. */
function checkKeys(text: string, subject: JsonSubject): void {
  const open: Set<string>[] = [];
  let string = '';
  for (const [token] of text.matchAll(TOKEN)) {
    switch (token) {
      case '{':
      case '[':
        if (open.length === MAX_DEPTH) {
          refuse(subject, `is nested deeper than ${MAX_DEPTH} levels`);
        }
        open.push(new Set());
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ':':
        addKey(open.at(-1), string, subject);
        break;
      default:
        string = token;
    }
  }
}

function addKey(keys: Set<string> | undefined, quoted: string, subject: JsonSubject): void {
  const key: unknown = JSON.parse(quoted);
  if (typeof key !== 'string' || keys === undefined) return;
  if (keys.has(key)) refuse(subject, `has the key ${quoted.slice(0, 80)} twice in one object`);
  keys.add(key);
}

function refuse({ code, what }: JsonSubject, problem: string): never {
  throw new MeshError(code, `${what} ${problem}`);
}
