import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { checkService } from './check-service.ts';
import { serviceSchema } from './service-schema.ts';

/** A name for the workloads that its selector picks, and the ports they answer on. */
export type Service = ResourceOf<'Service', typeof serviceSchema>;

/** Istio's: the namespaces that may know of a Service, separated by commas. */
const EXPORT_TO = 'networking.istio.io/exportTo';

/** Kubernetes' Service. */
export const service: KindDefinition<Service> = {
  group: '',
  versions: ['v1'],
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  nameForm: 'service',
  description:
    'A name, `<name>.<namespace>.svc.cluster.local`, for the workloads whose labels its selector picks.',
  schema: serviceSchema,
  validate: ({ spec }, report) => checkService(spec, report),
  columns: [
    { name: 'Type', type: 'string', jsonPath: '.spec.type' },
    { name: 'Cluster-IP', type: 'string', jsonPath: '.spec.clusterIP' },
    { name: 'Port(s)', type: 'string', jsonPath: '.spec.ports[*].port' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  strategicMerge: true,
  visibility: 'mesh',
  exportedTo: ({ metadata }) =>
    (metadata.annotations?.[EXPORT_TO] ?? '')
      .split(',')
      .map((target) => target.trim())
      .filter((target) => target !== ''),
  confidential: false,
};
