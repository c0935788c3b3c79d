import { labelKeyProblem, labelValueProblem } from '../../resources/names.ts';
import { badRequest } from '../status-error.ts';

type Labels = Readonly<Record<string, string>>;

/** Which objects are meant, by their labels. */
export type LabelQuery = (labels: Labels | undefined) => boolean;

const LONGEST = 8_192;
const MOST_REQUIREMENTS = 256;

/**
 * A label selector as in a URL: `app=web,tier!=db,env in (a, b),!legacy,weight>3`.
 *
 * @throws {StatusError} BadRequest, with Kubernetes' beginning of the sentence.
 */
export function parseLabelQuery(text: string): LabelQuery {
  if (text.length > LONGEST) throw refusal(text, `has more than ${LONGEST} characters`);
  const requirements = splitOutsideParentheses(text)
    .filter((part, _, parts) => parts.length > 1 || part.trim() !== '')
    .map((part) => requirement(part.trim(), text));
  if (requirements.length > MOST_REQUIREMENTS) {
    throw refusal(text, `has more than ${MOST_REQUIREMENTS} requirements`);
  }
  return (labels = {}) => requirements.every((holds) => holds(labels));
}

function splitOutsideParentheses(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '(') depth += 1;
    else if (letter === ')') depth -= 1;
    else if (letter === ',' && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

const SET = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const COMPARISON = /^([^\s=!<>()]+)\s*(==|=|!=|<|>)\s*([^\s=!<>()]*)$/;
const EXISTENCE = /^(!?)\s*([^\s=!<>()]+)$/;

function requirement(part: string, whole: string): (labels: Labels) => boolean {
  const set = SET.exec(part);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    check(key, [...values], whole);
    return operator === 'in'
      ? (labels) => has(labels, key) && values.has(labels[key] ?? '')
      : (labels) => !has(labels, key) || !values.has(labels[key] ?? '');
  }
  const comparison = COMPARISON.exec(part);
  if (comparison !== null) {
    const [, key = '', operator = '', value = ''] = comparison;
    check(key, [value], whole);
    return compare(key, operator, value, whole);
  }
  const existence = EXISTENCE.exec(part);
  if (existence === null) throw refusal(whole, `"${part}" is no requirement`);
  const [, not, key = ''] = existence;
  check(key, [], whole);
  return (labels) => has(labels, key) === (not === '');
}

function compare(key: string, operator: string, value: string, whole: string) {
  if (operator === '!=') return (labels: Labels) => !has(labels, key) || labels[key] !== value;
  if (operator === '=' || operator === '==') {
    return (labels: Labels) => has(labels, key) && labels[key] === value;
  }
  if (!/^-?\d{1,18}$/.test(value)) throw refusal(whole, `"${value}" is not a whole number`);
  const bound = BigInt(value);
  return (labels: Labels) => {
    const held = has(labels, key) ? (labels[key] ?? '') : '';
    if (!/^-?\d{1,18}$/.test(held)) return false;
    return operator === '>' ? BigInt(held) > bound : BigInt(held) < bound;
  };
}

function has(labels: Labels, key: string): boolean {
  return Object.hasOwn(labels, key);
}

function check(key: string, values: readonly string[], whole: string): void {
  const problem =
    labelKeyProblem(key) ?? values.map(labelValueProblem).find((found) => found !== undefined);
  if (problem !== undefined) throw refusal(whole, problem);
}

function refusal(text: string, why: string) {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return badRequest(
    `unable to parse requirement: ${why} (in the label selector ${JSON.stringify(shown)})`,
  );
}
