import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { checkCustomResourceDefinition } from './check-custom-resource-definition.ts';
import { customResourceDefinitionSchema } from './custom-resource-definition-schema.ts';

/** A kind that people define. */
export type CustomResourceDefinition = ResourceOf<
  'CustomResourceDefinition',
  ReturnType<typeof customResourceDefinitionSchema>
>;

/** Kubernetes' CustomResourceDefinition. */
export const customResourceDefinition: KindDefinition<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  versions: ['v1'],
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  description: 'Defines a kind: its names, its versions and the schema of its resources.',
  get schema() {
    return customResourceDefinitionSchema();
  },
  columns: [{ name: 'Created At', type: 'string', jsonPath: '.metadata.creationTimestamp' }],
  complete: withNames,
  validate: checkCustomResourceDefinition,
  validateUpdate: checkKept,
  subresources: { status: true },
  strategicMerge: true,
  visibility: 'never',
  confidential: false,
};

function withNames(resource: CustomResourceDefinition): CustomResourceDefinition {
  const { spec } = resource;
  const { kind } = spec.names;
  const names = { singular: kind.toLowerCase(), listKind: `${kind}List`, ...spec.names };
  const conversion = spec.conversion ?? { strategy: 'None' as const };
  return { ...resource, spec: { ...spec, names, conversion } };
}

function checkKept(
  old: CustomResourceDefinition,
  { spec }: CustomResourceDefinition,
  report: Report,
): void {
  const before = old.spec;
  if (before.group !== spec.group) report('spec.group', 'cannot be changed');
  if (before.scope !== spec.scope) report('spec.scope', 'cannot be changed');
  if (before.names.plural !== spec.names.plural) report('spec.names.plural', 'cannot be changed');
  if (before.names.kind !== spec.names.kind) report('spec.names.kind', 'cannot be changed');
}
