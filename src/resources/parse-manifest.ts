import { MeshError } from '../lib/errors.ts';
import { pathOf } from './field-path.ts';
import { type FieldProblem, quote } from './field-problem.ts';
import { inertWarning } from './inert-warning.ts';
import { isPlainObject, type Json } from './json-tree.ts';
import { kindOf } from './kinds.ts';
import { textProblem } from './manifest-text.ts';
import { keyOf, keyText, type Resource } from './resource.ts';
import { validateResource } from './validate-resource.ts';
import {
  type LineProblem,
  type YamlDocument,
  type YamlStream,
  yamlDocuments,
} from './yaml-documents.ts';
import { offsetOf, type YamlBudget, yamlBudget, yamlValue } from './yaml-value.ts';

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

const MAX_DOCUMENTS = 1_000;
const MAX_LINES = 50;

/**
 * The resources of a YAML or JSON text of up to 1 MiB and 1000 documents, in order, Lists unfolded,
 * each validated. All or nothing.
 *
 * @throws {MeshError} ERR_RESOURCE, one line a problem, each with the line of the field:
 * `shop.yaml:12: PeerAuthentication "x": spec.mtls.mode: "STRIKT" is not one of …`.
 */
export function parseManifest(text: string, options: ManifestOptions): readonly ManifestDocument[] {
  const unreadable = textProblem(text);
  if (unreadable !== undefined) throw refusal([unreadable], options.source);
  const reading: Reading = { budget: yamlBudget(), stream: yamlDocuments(text, MAX_DOCUMENTS) };
  const found = reading.stream.documents.flatMap((document) => candidatesOf(document, reading));
  if (found.length > MAX_DOCUMENTS) {
    const message = `has more than ${MAX_DOCUMENTS} resources; split it into several files`;
    throw refusal([{ line: 1, message }], options.source);
  }
  const documents: ManifestDocument[] = [];
  const problems: LineProblem[] = [];
  for (const candidate of found) {
    if ('message' in candidate) problems.push(candidate);
    else check(candidate, options, { documents, problems });
  }
  problems.push(...duplicatesIn(documents));
  if (problems.length > 0) throw refusal(problems, options.source);
  if (documents.length > 0) return documents;
  throw refusal([{ line: 1, message: 'has no resource in it' }], options.source);
}

/** One document of a manifest by itself: what it is, or all that is wrong with it. */
export type ExaminedDocument = { readonly line: number } & (
  | { readonly resource: Resource; readonly warnings: readonly FieldProblem[] }
  | {
      /** As far as it says. */
      readonly kind: string;
      readonly namespace: string | undefined;
      readonly name: string;
      readonly problems: readonly (FieldProblem & { readonly line: number })[];
    }
);

/** The documents of a text, each judged by itself, so that one with a mistake hides no other. */
export function examineManifest(
  text: string,
  { defaultNamespace = 'default' }: Pick<ManifestOptions, 'defaultNamespace'> = {},
): readonly ExaminedDocument[] {
  const unreadable = textProblem(text);
  if (unreadable !== undefined) return [unread(unreadable)];
  const reading: Reading = { budget: yamlBudget(), stream: yamlDocuments(text, MAX_DOCUMENTS) };
  const found = reading.stream.documents.flatMap((document) => candidatesOf(document, reading));
  return found.map((candidate) =>
    'message' in candidate ? unread(candidate) : examined(candidate, defaultNamespace),
  );
}

function unread({ line, message }: LineProblem): ExaminedDocument {
  return {
    line,
    kind: '',
    namespace: undefined,
    name: '',
    problems: [{ field: '', message, line }],
  };
}

function examined({ value, line, lineOf }: Candidate, defaultNamespace: string): ExaminedDocument {
  const checked = validateResource(value, { defaultNamespace });
  if ('resource' in checked) return { line, ...checked };
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
  };
}

interface Reading {
  readonly stream: YamlStream;
  readonly budget: YamlBudget;
}

/** What may be a resource. */
interface Candidate {
  readonly value: Json;
  readonly line: number;
  /** The line of a field of it, or of what is nearest around the field. */
  readonly lineOf: (field: string) => number;
}

function candidatesOf(
  document: YamlDocument,
  { stream, budget }: Reading,
): readonly (Candidate | LineProblem)[] {
  if ('problems' in document) return document.problems;
  const { contents, line } = document;
  const read = yamlValue(contents, budget);
  if ('message' in read) return [{ line: stream.lineAt(read.offset), message: read.message }];
  const { value } = read;
  const at = (path: readonly string[]): number => stream.lineAt(offsetOf(contents, path));
  if (value === null) return [];
  if (!isPlainObject(value) || value['kind'] !== 'List') {
    return [{ value, line, lineOf: (field) => at(pathOf(field)) }];
  }
  const { items } = value;
  if (!Array.isArray(items)) {
    return [{ line: at(['items']), message: 'List: items: must be a list of resources' }];
  }
  return items.map((item: Json, index) => ({
    value: item,
    line: at(['items', String(index)]),
    lineOf: (field) => at(['items', String(index), ...pathOf(field)]),
  }));
}

function check(
  candidate: Candidate,
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
    lineText(located(warning), options.source),
  );
  into.documents.push({ resource, line, warnings });
}

/** `PeerAuthentication "x": `, as far as the resource says what it is. */
function subjectOf(value: Json): string {
  if (!isPlainObject(value)) return '';
  const { kind, metadata } = value;
  if (typeof kind !== 'string' || kind === '') return '';
  const name = isPlainObject(metadata) ? metadata['name'] : undefined;
  const shown = /^[A-Za-z]{1,63}$/.test(kind) ? kind : quote(kind);
  return typeof name === 'string' ? `${shown} ${quote(name)}: ` : `${shown}: `;
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

function lineText({ line, message }: LineProblem, source: string): string {
  return `${source}:${line}: ${message}`;
}

function refusal(problems: readonly LineProblem[], source: string): MeshError {
  const lines = problems
    .toSorted((a, b) => a.line - b.line)
    .map((problem) => lineText(problem, source));
  const more = lines.length - MAX_LINES;
  const shown = more > 0 ? [...lines.slice(0, MAX_LINES), `and ${more} more problems`] : lines;
  return new MeshError('ERR_RESOURCE', shown.join('\n'));
}
