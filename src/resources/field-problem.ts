/** What is wrong with one field of a resource. */
export interface FieldProblem {
  /** `spec.rules[0].from`; empty for the resource as a whole. */
  readonly field: string;
  /** Lower case, no full stop; quotes the bad value unless its kind is confidential. */
  readonly message: string;
  /** What sort of wrong it is, for programs; `invalid` where it is left out. */
  readonly reason?: ProblemReason;
}

/** `type`: another JSON type; `unsupported`: none of the words; `unknown`: there is no such field. */
export type ProblemReason =
  | 'required'
  | 'type'
  | 'unsupported'
  | 'unknown'
  | 'immutable'
  | 'forbidden'
  | 'duplicate';

/** More than anybody reads of one resource; a hostile one could have a million. */
export const MAX_PROBLEMS = 100;

const LONGEST_QUOTE = 80;
/** Control characters that JSON leaves as they are, and those that reorder or hide text. */
const UNPRINTABLE = /[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** `text` in quotes on one line, cut where it is long. */
export function quote(text: string): string {
  const cut = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  return JSON.stringify(cut).replace(
    UNPRINTABLE,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
