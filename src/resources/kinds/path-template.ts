import { quote } from '../field-problem.ts';

const LITERAL = /^[A-Za-z0-9\-._~%!$&'()+,;:@=]*$/;
const OPERATORS = ['{*}', '{**}'];

/**
 * What is wrong with a path of an AuthorizationPolicy. It is a template where it has `{*}` (one
 * segment) or `{**}` (any number of them, once and as the last operator), each a segment of its own.
 */
export function pathProblem(path: string): string | undefined {
  if (!OPERATORS.some((operator) => path.includes(operator))) {
    return /[{}]/.test(path)
      ? `${quote(path)} has braces and is no template; only {*} and {**} may stand in them`
      : undefined;
  }
  const segments = path.split('/');
  for (const [index, segment] of segments.entries()) {
    if (OPERATORS.includes(segment)) {
      if (segment === '{**}' && segments.slice(index + 1).some(isOperator)) {
        return `${quote(path)} has an operator after {**}, which must be the last`;
      }
    } else if (!LITERAL.test(segment)) return literalProblem(path, segment);
  }
  return undefined;
}

function literalProblem(path: string, segment: string): string {
  if (/[{}]/.test(segment)) {
    return `${quote(path)} is not a path template; {*} and {**} must be whole segments, and braces stand nowhere else`;
  }
  return segment.includes('*')
    ? `${quote(path)} has a "*" outside of braces; a template has {*} and {**} only`
    : `${quote(path)} has a character that a path template may not have`;
}

function isOperator(segment: string): boolean {
  return OPERATORS.includes(segment);
}
