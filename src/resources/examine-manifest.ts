import type { FieldProblem } from './field-problem.ts';
import { foreignResource } from './foreign-resource.ts';
import { isPlainObject, type Json } from './json-tree.ts';
import { builtInKinds } from './kinds.ts';
import { type ManifestCandidate, manifestCandidates } from './manifest-candidates.ts';
import { type ReadablePart, readablePart } from './readable-part.ts';
import type { Resource } from './resource.ts';
import { validateResource } from './validate-resource.ts';
import type { LineProblem } from './yaml-documents.ts';

/** One document of a manifest by itself: what it is, or all that is wrong with it. */
export type ExaminedDocument = { readonly line: number } & (
  | { readonly resource: Resource; readonly warnings: readonly FieldProblem[] }
  | {
      /** As far as it says. */
      readonly kind: string;
      readonly namespace: string | undefined;
      readonly name: string;
      readonly problems: readonly (FieldProblem & { readonly line: number })[];
      /** What can be read of it all the same. */
      readonly part: ReadablePart | undefined;
    }
);

/** The documents of a text, each judged by itself, so that one with a mistake hides no other. */
export function examineManifest(
  text: string,
  { defaultNamespace = 'default' }: { readonly defaultNamespace?: string } = {},
): readonly ExaminedDocument[] {
  return manifestCandidates(text).map((candidate) =>
    'message' in candidate ? unread(candidate) : examined(candidate, defaultNamespace),
  );
}

function unread({ line, message }: LineProblem): ExaminedDocument {
  const problems = [{ field: '', message, line }];
  return { line, kind: '', namespace: undefined, name: '', problems, part: undefined };
}

function examined(
  { value, line, lineOf }: ManifestCandidate,
  defaultNamespace: string,
): ExaminedDocument {
  const checked = validateResource(value, { defaultNamespace });
  if ('resource' in checked) return { line, ...checked };
  const foreign = foreignResource(value, builtInKinds, defaultNamespace);
  if (foreign !== undefined) return { line, resource: foreign, warnings: [] };
  const fields = isPlainObject(value) ? value : {};
  const metadata = isPlainObject(fields['metadata']) ? fields['metadata'] : {};
  const textOf = (field: Json | undefined) => (typeof field === 'string' ? field : '');
  const namespace = textOf(metadata['namespace']);
  return {
    line,
    kind: textOf(fields['kind']),
    namespace: namespace === '' ? defaultNamespace : namespace,
    name: textOf(metadata['name']),
    problems: checked.problems.map((problem) => ({ ...problem, line: lineOf(problem.field) })),
    part: readablePart(value, { defaultNamespace }),
  };
}
