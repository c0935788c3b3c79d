import { MeshError } from '../lib/errors.ts';

const MAX_DEPTH = 32;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/**
 * Parses JSON in which no object may name a key twice (`JSON.parse` keeps the last in silence) and
 * nothing is nested deeper than 32 levels.
 *
 * @throws {MeshError} ERR_SVID quoting the key, or with the syntax error as its cause.
 */
export function parseUniqueJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Not with the parser's words: they quote the text, which a stranger wrote.
    throw new MeshError('ERR_SVID', 'the bundle is not JSON', { cause });
  }
  checkKeys(text);
  return value;
}

/** `text` is valid JSON, so brackets match and a string before a colon is a key. */
function checkKeys(text: string): void {
  const open: Set<string>[] = [];
  let string = '';
  for (const [token] of text.matchAll(TOKEN)) {
    switch (token) {
      case '{':
      case '[':
        if (open.length === MAX_DEPTH) refuse(`is nested deeper than ${MAX_DEPTH} levels`);
        open.push(new Set());
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ':':
        addKey(open.at(-1), string);
        break;
      default:
        string = token;
    }
  }
}

function addKey(keys: Set<string> | undefined, quoted: string): void {
  const key: unknown = JSON.parse(quoted);
  if (typeof key !== 'string' || keys === undefined) return;
  if (keys.has(key)) refuse(`has the key ${quoted.slice(0, 80)} twice in one object`);
  keys.add(key);
}

function refuse(problem: string): never {
  throw new MeshError('ERR_SVID', `the bundle ${problem}`);
}
