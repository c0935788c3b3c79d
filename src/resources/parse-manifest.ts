import type { FieldProblem } from './field-problem.ts';
import { inertWarning } from './inert-warning.ts';
import type { Json } from './json-tree.ts';
import { kindOf } from './kinds.ts';
import { type ManifestCandidate, manifestCandidates, subjectOf } from './manifest-candidates.ts';
import { manifestRefusal, problemText } from './manifest-refusal.ts';
import { keyOf, keyText, type Resource } from './resource.ts';
import { validateResource } from './validate-resource.ts';
import type { LineProblem } from './yaml-documents.ts';

/** A resource and where it stands. */
export interface ManifestDocument {
  readonly resource: Resource;
  /** The first line of the document, or of the item in a List; from 1. */
  readonly line: number;
  /** What is allowed and hardly meant, one line of text each, in the form of the error messages. */
  readonly warnings: readonly string[];
}

export interface ManifestOptions {
  /** What messages call the text: a file name, or `-`. */
  readonly source: string;
  /** For namespaced resources that name none. Default `default`. */
  readonly defaultNamespace?: string;
}

/**
 * The resources of a YAML or JSON text of up to 1 MiB and 1000 documents, in order, Lists unfolded,
 * each validated. All or nothing.
 *
 * @throws {MeshError} ERR_RESOURCE, one line a problem, each with the line of the field:
 * `shop.yaml:12: PeerAuthentication "x": spec.mtls.mode: "STRIKT" is not one of …`.
 */
export function parseManifest(text: string, options: ManifestOptions): readonly ManifestDocument[] {
  const found = manifestCandidates(text);
  const documents: ManifestDocument[] = [];
  const problems: LineProblem[] = [];
  for (const candidate of found) {
    if ('message' in candidate) problems.push(candidate);
    else check(candidate, options, { documents, problems });
  }
  problems.push(...duplicatesIn(documents));
  if (problems.length > 0) throw manifestRefusal(problems, options.source);
  if (documents.length > 0) return documents;
  throw manifestRefusal([{ line: 1, message: 'has no resource in it' }], options.source);
}

function check(
  candidate: ManifestCandidate,
  options: ManifestOptions,
  into: { readonly documents: ManifestDocument[]; readonly problems: LineProblem[] },
): void {
  const { value, line, lineOf } = candidate;
  const subject = subjectOf(value);
  const located = ({ field, message }: FieldProblem): LineProblem => ({
    line: lineOf(field),
    message: `${subject}${field === '' ? '' : `${field}: `}${message}`,
  });
  const { defaultNamespace } = options;
  const checked = validateResource(
    value,
    defaultNamespace === undefined ? {} : { defaultNamespace },
  );
  if ('problems' in checked) {
    into.problems.push(...checked.problems.map(located));
    return;
  }
  const { resource } = checked;
  const definition = kindOf(resource);
  const inert = definition === undefined ? undefined : inertWarning(definition);
  const warnings = [...(inert === undefined ? [] : [inert]), ...checked.warnings].map((warning) =>
    problemText(located(warning), options.source),
  );
  into.documents.push({ resource, line, warnings });
}

function duplicatesIn(documents: readonly ManifestDocument[]): readonly LineProblem[] {
  const problems: LineProblem[] = [];
  const first = new Map<string, number>();
  for (const { resource, line } of documents) {
    const key = keyText(keyOf(resource));
    const before = first.get(key);
    if (before === undefined) first.set(key, line);
    else {
      const message = `${subjectOf(resource as unknown as Json)}is given twice, first on line ${before}`;
      problems.push({ line, message });
    }
  }
  return problems;
}
