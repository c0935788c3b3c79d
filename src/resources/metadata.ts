import { Type } from 'typebox';
import { fieldOf } from './field-path.ts';
import type { KindDefinition, Report } from './kind-definition.ts';
import { labelKeyProblem, labelValueProblem, nameProblem } from './names.ts';
import type { ObjectMeta } from './resource.ts';
import { closed, mapOf, strings } from './schema.ts';

/** Kubernetes' bound on all keys and values of the annotations together. */
const MAX_ANNOTATION_BYTES = 256 * 1024;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
/** Istio's own, which it writes itself or keeps for its tests. */
const RESERVED_ANNOTATIONS = [
  'internal.istio.io/parents',
  'internal.istio.io/parent-namespace',
  'internal.istio.io/webhook-always-reject',
];

/** On an AuthorizationPolicy: report what it would decide and decide nothing. */
export const DRY_RUN_ANNOTATION = 'istio.io/dry-run';

const text = (description: string) => Type.Optional(Type.String({ description }));
const anyObjects = (description: string) =>
  Type.Optional(
    Type.Array(Type.Record(Type.String(), Type.Unknown(), { additionalProperties: false }), {
      description,
    }),
  );

/** The schema of every resource's metadata. */
export const metadataSchema = closed(
  {
    name: text('Unique among the resources of its kind in its namespace.'),
    generateName: text('Not supported.'),
    namespace: text('The namespace it is in, for kinds that are in one.'),
    labels: Type.Optional(mapOf(Type.String(), 'What selectors look at.')),
    annotations: Type.Optional(mapOf(Type.String(), 'What programs and people note on it.')),
    uid: text('Given by the store; tells resources apart that had one name at different times.'),
    resourceVersion: text('Given by the store; changes with every write.'),
    generation: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Counts the changes of what is wanted.' }),
    ),
    creationTimestamp: text('When it was first stored, in RFC 3339.'),
    deletionTimestamp: text('When its deletion was asked for, in RFC 3339.'),
    deletionGracePeriodSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
    finalizers: Type.Optional(strings('Who must agree before it can go.')),
    ownerReferences: anyObjects('The resources with which it goes.'),
    managedFields: anyObjects('Who set which field.'),
    selfLink: text('No longer used by Kubernetes.'),
  },
  'Name, namespace, labels and annotations, and what the store notes.',
);

/** Completes metadata that its schema holds of: the namespace given where none is, empty maps left out. */
export function completeMetadata(
  written: ObjectMeta,
  definition: KindDefinition,
  defaultNamespace: string,
): ObjectMeta {
  const entries = Object.entries(written).filter(([, value]) => !isEmpty(value));
  const metadata: ObjectMeta = { ...Object.fromEntries(entries), name: written.name };
  if (!definition.namespaced) return metadata;
  return { ...metadata, namespace: metadata.namespace ?? defaultNamespace };
}

/** Reports what is wrong with completed metadata beyond its schema. */
export function checkMetadata(
  metadata: ObjectMeta,
  definition: KindDefinition,
  report: Report,
): void {
  checkNames(metadata, definition, report);
  for (const field of ['creationTimestamp', 'deletionTimestamp'] as const) {
    const value = metadata[field];
    if (value !== undefined && !(TIMESTAMP.test(value) && !Number.isNaN(Date.parse(value)))) {
      report(`metadata.${field}`, 'is not a time in RFC 3339, such as "2026-01-31T12:00:00Z"');
    }
  }
  checkLabels(metadata.labels, 'metadata.labels', report);
  checkAnnotations(metadata, definition, report);
}

/** Reports every label whose key or value is not in Kubernetes' grammar. */
export function checkLabels(
  labels: Readonly<Record<string, string>> | undefined,
  field: string,
  report: Report,
): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    const problem = labelKeyProblem(key) ?? labelValueProblem(value);
    if (problem !== undefined) report(fieldOf([key], field), problem);
  }
}

function checkNames(metadata: ObjectMeta, definition: KindDefinition, report: Report): void {
  const { name, namespace } = metadata;
  if ('generateName' in metadata) {
    report('metadata.generateName', 'is not supported; give the resource a name of its own');
  } else if (typeof name !== 'string') report('metadata.name', 'is required');
  else {
    const problem = nameProblem(name, definition.nameForm ?? 'subdomain');
    if (problem !== undefined) report('metadata.name', problem);
  }
  if (namespace === undefined) return;
  const problem = nameProblem(namespace, 'label');
  if (!definition.namespaced) {
    report('metadata.namespace', `a ${definition.kind} is in no namespace; leave it out`);
  } else if (problem !== undefined) report('metadata.namespace', problem);
}

function checkAnnotations(metadata: ObjectMeta, definition: KindDefinition, report: Report): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    const problem = labelKeyProblem(key) ?? istioProblem(key, definition);
    if (problem !== undefined) report(fieldOf(['metadata', 'annotations', key]), problem);
    bytes += utf8Length(key) + utf8Length(value);
  }
  if (bytes > MAX_ANNOTATION_BYTES) {
    report(
      'metadata.annotations',
      `have ${bytes} bytes; at most ${MAX_ANNOTATION_BYTES} are allowed`,
    );
  }
}

function istioProblem(key: string, definition: KindDefinition): string | undefined {
  if (!definition.group.endsWith('.istio.io')) return undefined;
  if (RESERVED_ANNOTATIONS.includes(key)) return 'is set by Istio only; remove it';
  if (key === DRY_RUN_ANNOTATION && definition.kind !== 'AuthorizationPolicy') {
    return `is not supported on a ${definition.kind}; remove it`;
  }
  return undefined;
}

function isEmpty(value: unknown): boolean {
  if (value === '') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function utf8Length(value: string): number {
  return new TextEncoder().encode(value).length;
}
