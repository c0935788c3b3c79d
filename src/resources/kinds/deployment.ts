import { Type } from 'typebox';
import { anyObject, flag, int32, text, textMap, word } from '../fields.ts';
import { type KindDefinition, READ_ONLY, type ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Resource } from '../resource.ts';
import { closed, status } from '../schema.ts';
import { ageColumn } from './columns.ts';
import { metaLabelSelector } from './meta-label-selector.ts';
import { podSpecSchema, rollingUpdate } from './pod-spec-schema.ts';

const schema = lazy(() =>
  Type.Object(
    {
      spec: closed(
        {
          replicas: int32('How many there should be.'),
          selector: metaLabelSelector(),
          template: closed(
            {
              metadata: Type.Optional(
                closed(
                  {
                    name: text('Not used.'),
                    labels: textMap('Labels.'),
                    annotations: textMap('Annotations.'),
                    creationTimestamp: anyObject('Not used.'),
                  },
                  'Labels and annotations of each.',
                ),
              ),
              spec: Type.Optional(podSpecSchema()),
            },
            'What each is like.',
          ),
          strategy: Type.Optional(
            closed(
              {
                type: word(['Recreate', 'RollingUpdate'], 'All at once, or one by one.'),
                rollingUpdate: Type.Optional(rollingUpdate()),
              },
              'How they are replaced.',
            ),
          ),
          minReadySeconds: int32('Seconds after which a new one counts.'),
          revisionHistoryLimit: int32('How many old versions are remembered.'),
          paused: flag('Whether replacing is held back.'),
          progressDeadlineSeconds: int32('Seconds after which it counts as stuck.'),
        },
        'Processes that are alike.',
      ),
      status: Type.Optional(status),
    },
    { additionalProperties: false },
  ),
);

/** The control plane, as a set of processes. */
export type Deployment = ResourceOf<'Deployment', ReturnType<typeof schema>>;

const DEPLOYMENT_SCALE = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
};

/** Kubernetes' Deployment, as a view of the control plane. */
export const deployment: KindDefinition<Deployment> = {
  group: 'apps',
  versions: ['v1'],
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  description: 'The control plane as a set of processes that are alike. It is seen and not made.',
  get schema() {
    return schema();
  },
  columns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.readyReplicas', cell: ready },
    { name: 'Up-to-date', type: 'integer', jsonPath: '.status.updatedReplicas' },
    { name: 'Available', type: 'integer', jsonPath: '.status.availableReplicas' },
    ageColumn,
  ],
  verbs: READ_ONLY,
  strategicMerge: true,
  origin: 'derived',
  visibility: 'never',
  confidential: false,
  subresources: { scale: DEPLOYMENT_SCALE },
  writtenBy: 'the mesh, of its own processes',
  instead: 'the control plane is one process: restart it where it runs',
};

function ready(resource: Resource): string {
  const { spec, status: seen = {} } = resource as Deployment;
  return `${seen['readyReplicas'] ?? 0}/${spec.replicas ?? 1}`;
}
