import { Type } from 'typebox';
import { type KindDefinition, READ_ONLY, type ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Resource } from '../resource.ts';
import { status } from '../schema.ts';
import { ageColumn } from './columns.ts';
import { podSpecSchema } from './pod-spec-schema.ts';

const schema = lazy(() =>
  Type.Object(
    { spec: podSpecSchema(), status: Type.Optional(status) },
    { additionalProperties: false },
  ),
);

/** A process of the mesh itself, or a workload. */
export type Pod = ResourceOf<'Pod', ReturnType<typeof schema>>;

/** Kubernetes' Pod, as a view of processes that the mesh knows of. */
export const pod: KindDefinition<Pod> = {
  group: '',
  versions: ['v1'],
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  description:
    'A process that the mesh knows of: one of its own, or a workload. It is seen and its log is read; nobody can make one.',
  get schema() {
    return schema();
  },
  columns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.containerStatuses', cell: ready },
    { name: 'Status', type: 'string', jsonPath: '.status.phase' },
    { name: 'Restarts', type: 'string', jsonPath: '.status.containerStatuses', cell: restarts },
    ageColumn,
    { name: 'IP', type: 'string', priority: 1, jsonPath: '.status.podIP' },
    { name: 'Node', type: 'string', priority: 1, jsonPath: '.spec.nodeName' },
  ],
  verbs: READ_ONLY,
  subresources: { log: true },
  selectableFields: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  strategicMerge: true,
  origin: 'derived',
  visibility: 'never',
  confidential: false,
  writtenBy: 'the mesh, of the processes that it knows',
  instead: 'start and stop a workload where it runs',
};

interface ContainerStatus {
  readonly ready?: boolean;
  readonly restartCount?: number;
}

function statuses(resource: Resource): readonly ContainerStatus[] {
  const given = (resource as Pod).status?.['containerStatuses'];
  return Array.isArray(given) ? given : [];
}

function ready(resource: Resource): string {
  const all = (resource as Pod).spec.containers.length;
  return `${statuses(resource).filter((container) => container.ready === true).length}/${all}`;
}

function restarts(resource: Resource): string {
  return `${statuses(resource).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0)}`;
}
