import { isPlainObject } from '../resources/json-tree.ts';
import { kindOf } from '../resources/kinds.ts';
import {
  type ManifestCandidate,
  manifestCandidates,
  subjectOf,
} from '../resources/manifest-candidates.ts';
import { manifestRefusal } from '../resources/manifest-refusal.ts';
import type { LineProblem } from '../resources/yaml-documents.ts';
import type { ApiObject } from './api-object.ts';

/** An object of a manifest, as it is written there. */
export interface ManifestObject {
  readonly object: ApiObject;
  readonly source: string;
  readonly line: number;
  /** The line of a field, or of what is nearest around it. */
  readonly lineOf: (field: string) => number;
}

export interface ManifestText {
  readonly text: string;
  /** What messages call it: a file name, or `-`. */
  readonly source: string;
}

/**
 * The objects of a manifest, in order, each with apiVersion, kind and name. What they may be is the
 * server's to say.
 *
 * @throws {MeshError} ERR_RESOURCE, one line a problem.
 */
export function manifestObjects({ text, source }: ManifestText): readonly ManifestObject[] {
  const problems: LineProblem[] = [];
  const objects: ManifestObject[] = [];
  for (const candidate of manifestCandidates(text)) {
    const read = 'message' in candidate ? candidate : objectOf(candidate, source);
    if ('message' in read) problems.push(read);
    else objects.push(read);
  }
  if (problems.length > 0) throw manifestRefusal(problems, source);
  if (objects.length > 0) return objects;
  throw manifestRefusal([{ line: 1, message: 'has no resource in it' }], source);
}

function objectOf(
  { value, line, lineOf }: ManifestCandidate,
  source: string,
): ManifestObject | LineProblem {
  if (!isPlainObject(value)) return { line, message: 'is not an object with apiVersion and kind' };
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || kind === '') {
    return { line, message: `${subjectOf(value)}apiVersion and kind are required` };
  }
  const { unnamed } = kindOf({ apiVersion, kind }) ?? {};
  const name = isPlainObject(metadata) ? metadata['name'] : undefined;
  if (name === undefined && unnamed !== undefined) {
    // As Istio's own tools do with an IstioOperator.
    const named = {
      ...value,
      metadata: { ...unnamed, ...(isPlainObject(metadata) ? metadata : {}) },
    };
    return { object: named as unknown as ApiObject, source, line, lineOf };
  }
  if (typeof name !== 'string' || name === '') {
    return { line: lineOf('metadata'), message: `${subjectOf(value)}metadata.name is required` };
  }
  return { object: value as unknown as ApiObject, source, line, lineOf };
}
