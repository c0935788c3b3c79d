import { RE2JS } from 're2js';
import { quote } from '../field-problem.ts';

const LONGEST_PATTERN = 4_096;

/** A pattern that text can be searched for; takes time in proportion to the text, whatever it is. */
export interface Re2Pattern {
  test(text: string): boolean;
}

/** `pattern` in RE2's syntax, or what is wrong with it. */
export function compileRe2(pattern: string): Re2Pattern | { readonly problem: string } {
  if (pattern.length > LONGEST_PATTERN) {
    return { problem: `has more than ${LONGEST_PATTERN} characters` };
  }
  try {
    const compiled = RE2JS.compile(pattern);
    return { test: (text) => compiled.matcher(text).find() };
  } catch {
    return { problem: `${quote(pattern)} is not a regular expression of RE2` };
  }
}
