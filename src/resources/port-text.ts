import { quote } from './field-problem.ts';

/** What is wrong with `text` as the decimal number of a port that can be listened on. */
export function portTextProblem(text: string): string | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65535
    ? undefined
    : `${quote(text)} is not a port; it must be a number between 1 and 65535`;
}
