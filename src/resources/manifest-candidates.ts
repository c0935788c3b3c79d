import { pathOf } from './field-path.ts';
import { quote } from './field-problem.ts';
import { isPlainObject, type Json } from './json-tree.ts';
import { textProblem } from './manifest-text.ts';
import {
  type LineProblem,
  type YamlDocument,
  type YamlStream,
  yamlDocuments,
} from './yaml-documents.ts';
import { offsetOf, type YamlBudget, yamlBudget, yamlValue } from './yaml-value.ts';

const MAX_DOCUMENTS = 1_000;

/**
 * What may be resources in a YAML or JSON text of up to 1 MiB and 1000 documents, in order, Lists
 * unfolded, and what keeps the rest from being read. Nothing is known here of kinds.
 */
export function manifestCandidates(text: string): readonly (ManifestCandidate | LineProblem)[] {
  const unreadable = textProblem(text);
  if (unreadable !== undefined) return [unreadable];
  const reading: Reading = { budget: yamlBudget(), stream: yamlDocuments(text, MAX_DOCUMENTS) };
  const found = reading.stream.documents.flatMap((document) => candidatesOf(document, reading));
  if (found.length <= MAX_DOCUMENTS) return found;
  return [
    { line: 1, message: `has more than ${MAX_DOCUMENTS} resources; split it into several files` },
  ];
}

interface Reading {
  readonly stream: YamlStream;
  readonly budget: YamlBudget;
}

/** What may be a resource. */
export interface ManifestCandidate {
  readonly value: Json;
  readonly line: number;
  /** The line of a field of it, or of what is nearest around the field. */
  readonly lineOf: (field: string) => number;
}

function candidatesOf(
  document: YamlDocument,
  { stream, budget }: Reading,
): readonly (ManifestCandidate | LineProblem)[] {
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

/** `PeerAuthentication "x": `, as far as the resource says what it is. */
export function subjectOf(value: Json): string {
  if (!isPlainObject(value)) return '';
  const { kind, metadata } = value;
  if (typeof kind !== 'string' || kind === '') return '';
  const name = isPlainObject(metadata) ? metadata['name'] : undefined;
  const shown = /^[A-Za-z]{1,63}$/.test(kind) ? kind : quote(kind);
  return typeof name === 'string' ? `${shown} ${quote(name)}: ` : `${shown}: `;
}
