import { Type } from 'typebox';
import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { closed, status, strings } from '../schema.ts';
import { ageColumn } from './columns.ts';

const schema = Type.Object(
  {
    spec: Type.Optional(
      closed(
        {
          finalizers: Type.Optional(
            strings('Controllers that must agree before the namespace can go.'),
          ),
        },
        'How the namespace ends.',
      ),
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** A room in which names are unique and to which policies are scoped. */
export type Namespace = ResourceOf<'Namespace', typeof schema>;

/** Kubernetes' Namespace. */
export const namespace: KindDefinition<Namespace> = {
  group: '',
  versions: ['v1'],
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  categories: [],
  namespaced: false,
  nameForm: 'label',
  description: 'A room in which names are unique, and the scope of most policies.',
  schema,
  columns: [{ name: 'Status', type: 'string', jsonPath: '.status.phase' }, ageColumn],
  complete: withLabelAndPhase,
  subresources: { status: true },
  selectableFields: ['status.phase'],
  strategicMerge: true,
  visibility: 'never',
  confidential: false,
};

/** Kubernetes' own label, by which selectors find one by name, and the phase that all begin in. */
function withLabelAndPhase(resource: Namespace): Namespace {
  const { metadata } = resource;
  const labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
  const status = { phase: 'Active', ...resource.status };
  return { ...resource, metadata: { ...metadata, labels }, status };
}
