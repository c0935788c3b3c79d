import { MeshError } from '../lib/errors.ts';
import type { LineProblem } from './yaml-documents.ts';

const MAX_LINES = 50;

/** `shop.yaml:12: what is wrong`. */
export function problemText({ line, message }: LineProblem, source: string): string {
  return `${source}:${line}: ${message}`;
}

/** The refusal of a manifest: one line a problem, by line, the first 50. */
export function manifestRefusal(problems: readonly LineProblem[], source: string): MeshError {
  const lines = problems
    .toSorted((a, b) => a.line - b.line)
    .map((problem) => problemText(problem, source));
  const more = lines.length - MAX_LINES;
  const shown = more > 0 ? [...lines.slice(0, MAX_LINES), `and ${more} more problems`] : lines;
  return new MeshError('ERR_RESOURCE', shown.join('\n'));
}
