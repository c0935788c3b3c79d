import { fieldOf } from '../../resources/field-path.ts';

const MOST_REPORTED = 100;

/** An object or a list that is being read: the keys that it had so far, and where in it we are. */
interface Level {
  readonly keys: Set<string> | undefined;
  step: string | number;
}

/**
 * The fields that are written more than once in an object of JSON text, such as `data.a`; of which
 * every parser takes the last and says nothing. The text must be valid JSON. At most 100.
 */
export function duplicateFields(text: string): readonly string[] {
  const found: string[] = [];
  const levels: Level[] = [];
  let isKey = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '"') {
      const end = endOfString(text, at);
      if (isKey && isAgain(text.slice(at, end + 1), levels) && found.length < MOST_REPORTED) {
        found.push(fieldOf(levels.map(({ step }) => step)));
      }
      isKey = false;
      at = end;
    } else isKey = structure(letter, levels) ?? isKey;
  }
  return found;
}

/** Follows what is no string, and says whether a key comes next; undefined where it says nothing. */
function structure(letter: string | undefined, levels: Level[]): boolean | undefined {
  switch (letter) {
    case '{':
      levels.push({ keys: new Set(), step: '' });
      return true;
    case '[':
      levels.push({ keys: undefined, step: 0 });
      return false;
    case '}':
    case ']':
      levels.pop();
      return false;
    case ',': {
      const top = levels.at(-1);
      if (typeof top?.step === 'number' && top.keys === undefined) top.step += 1;
      return top?.keys !== undefined;
    }
    default:
      return undefined;
  }
}

/** Notes a key, and says whether its object has had it before. */
function isAgain(quoted: string, levels: readonly Level[]): boolean {
  const top = levels.at(-1);
  if (top?.keys === undefined) return false;
  const key = JSON.parse(quoted) as string;
  top.step = key;
  return top.keys.size === top.keys.add(key).size;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

/** A quote after an odd number of backslashes is part of the string. */
function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text[at - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 1;
}
