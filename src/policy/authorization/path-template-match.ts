import type { TextMatch } from './wildcard-match.ts';

const OPERATOR = /\{\*\*?\}/g;
const SEGMENT_CHARACTERS = "A-Za-z0-9\\-._~%!$&'()+,;:@=";

/** Whether a value of `paths` is a template (istio-semantics 3.7). */
export function isPathTemplate(path: string): boolean {
  return path.includes('{*}') || path.includes('{**}');
}

/**
 * Matches whole paths: `{*}` is one segment that is not empty, `{**}` any text, slashes and none
 * included. A valid template has one `{**}` at most, as its last operator, so that no path makes the
 * expression slow.
 */
export function pathTemplateMatch(template: string): TextMatch {
  const literals = template.split(OPERATOR).map((literal) => RegExp.escape(literal));
  const operators = (template.match(OPERATOR) ?? []).map((operator) =>
    operator === '{*}' ? `[${SEGMENT_CHARACTERS}]+` : `[${SEGMENT_CHARACTERS}/]*`,
  );
  const source = literals.map((literal, index) => `${literal}${operators[index] ?? ''}`).join('');
  const expression = new RegExp(`^${source}$`);
  return (path) => expression.test(path);
}
