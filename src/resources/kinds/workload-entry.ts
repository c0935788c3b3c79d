import { Type } from 'typebox';
import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { status } from '../schema.ts';
import { checkWorkloadEntry } from './check-workload-entry.ts';
import { endpointSchema } from './endpoint-schema.ts';

const schema = Type.Object(
  {
    spec: endpointSchema(),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** One workload: its address, its ports, its labels and its service account. */
export type WorkloadEntry = ResourceOf<'WorkloadEntry', typeof schema>;

/** Istio's WorkloadEntry. */
export const workloadEntry: KindDefinition<WorkloadEntry> = {
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'WorkloadEntry',
  plural: 'workloadentries',
  singular: 'workloadentry',
  shortNames: ['we'],
  categories: ['istio-io', 'networking-istio-io'],
  namespaced: true,
  description:
    'Brings one workload into the mesh: a process on a host or virtual machine, with its address and labels, so that Services select it as they select Pods.',
  schema,
  columns: [
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Address', type: 'string', jsonPath: '.spec.address' },
  ],
  validate: checkWorkloadEntry,
  subresources: { status: true },
  visibility: 'mesh',
  confidential: false,
};
