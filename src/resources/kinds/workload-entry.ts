import { Type } from 'typebox';
import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { closed, mapOf, port, status } from '../schema.ts';
import { checkWorkloadEntry } from './check-workload-entry.ts';

const UINT32_MAX = 4_294_967_295;

const schema = Type.Object(
  {
    spec: closed(
      {
        address: Type.Optional(
          Type.String({
            maxLength: 256,
            description: 'IP address, DNS name, or `unix://` socket path; without a port.',
          }),
        ),
        ports: Type.Optional(
          mapOf(
            port('Port of the workload.'),
            'Port of the workload by the name of the Service port; the target port where there is none.',
            { maxProperties: 128 },
          ),
        ),
        labels: Type.Optional(
          mapOf(Type.String(), 'Labels of the workload, which selectors look at.', {
            maxProperties: 256,
          }),
        ),
        network: Type.Optional(
          Type.String({
            maxLength: 2048,
            description: 'Endpoints of one network reach each other directly.',
          }),
        ),
        locality: Type.Optional(
          Type.String({ maxLength: 2048, description: 'Where it runs: `region/zone/sub-zone`.' }),
        ),
        weight: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: UINT32_MAX,
            description: 'Share of the load, beside the weights of the other endpoints.',
          }),
        ),
        serviceAccount: Type.Optional(
          Type.String({
            maxLength: 253,
            description: 'Service account in the namespace of the entry that the workload runs as.',
          }),
        ),
      },
      'One workload outside of Kubernetes: where it is and who it is.',
    ),
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
  visibility: 'mesh',
  confidential: false,
};
