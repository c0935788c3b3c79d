import { MeshError } from '../../lib/errors.ts';
import { type JsonPathExpression, jsonPathExpression } from './jsonpath-expression.ts';

/** Text made of an object. */
export type JsonPathTemplate = (value: unknown) => string;

type Part =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'path'; readonly path: JsonPathExpression }
  | { readonly is: 'range'; readonly over: JsonPathExpression; readonly inside: readonly Part[] };

const MOST_PARTS = 1_000;

/**
 * Compiles a template of `-o jsonpath`: text with expressions in braces, strings (`{"\n"}`), and
 * `{range .items[*]}…{end}`. What is not there prints as nothing, as kubectl does it.
 *
 * @throws {MeshError} ERR_USAGE saying what is wrong.
 */
export function jsonPathTemplate(template: string): JsonPathTemplate {
  const tokens = tokensOf(template);
  if (tokens.length > MOST_PARTS) throw refusal('it has too many parts');
  const reading = { tokens, at: 0 };
  const parts = readParts(reading, false);
  return (value) => render(parts, value, value);
}

type Token =
  | { readonly in: 'text'; readonly text: string }
  | { readonly in: 'braces'; readonly text: string };

/** Text and what stands in braces, in turn; braces in quotes do not count. */
function tokensOf(template: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    if (open < 0) {
      tokens.push({ in: 'text', text: template.slice(at) });
      break;
    }
    if (open > at) tokens.push({ in: 'text', text: template.slice(at, open) });
    const inside = /(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*/y;
    inside.lastIndex = open + 1;
    const [text = ''] = inside.exec(template) ?? [];
    at = open + 1 + text.length;
    if (template[at] !== '}') throw refusal('a "}" is missing');
    at += 1;
    tokens.push({ in: 'braces', text: text.trim() });
  }
  return tokens;
}

interface Reading {
  readonly tokens: readonly Token[];
  at: number;
}

function readParts(reading: Reading, inRange: boolean): readonly Part[] {
  const parts: Part[] = [];
  for (;;) {
    const token = reading.tokens[reading.at];
    reading.at += 1;
    if (token === undefined) {
      if (inRange) throw refusal('{range} has no {end}');
      return parts;
    }
    if (token.in === 'text') {
      parts.push({ is: 'text', text: token.text });
      continue;
    }
    if (token.text === 'end') {
      if (inRange) return parts;
      throw refusal('{end} has no {range}');
    }
    parts.push(partOf(token.text, reading));
  }
}

function partOf(text: string, reading: Reading): Part {
  const over = /^range\s+(.+)$/s.exec(text)?.[1];
  if (over !== undefined) {
    return { is: 'range', over: jsonPathExpression(over), inside: readParts(reading, true) };
  }
  const quoted = /^(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')$/s.exec(text);
  if (quoted !== null) return { is: 'text', text: unescaped(quoted[1] ?? quoted[2] ?? '') };
  return { is: 'path', path: jsonPathExpression(text) };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_, sign: string) => ESCAPES[sign] ?? sign);
}

function render(parts: readonly Part[], current: unknown, whole: unknown): string {
  return parts
    .map((part) => {
      switch (part.is) {
        case 'text':
          return part.text;
        case 'path':
          return part.path(current, whole).map(valueText).join(' ');
        default:
          return part
            .over(current, whole)
            .map((item) => render(part.inside, item, whole))
            .join('');
      }
    })
    .join('');
}

/** As Go prints it there: text as it is, what has parts as JSON. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}

function refusal(why: string): MeshError {
  return new MeshError('ERR_USAGE', `the JSONPath template cannot be read: ${why}`);
}
