import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import type { Resource } from '../resource.ts';
import { checkService } from './check-service.ts';
import { ageColumn } from './columns.ts';
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
    { name: 'Cluster-IP', type: 'string', jsonPath: '.spec.clusterIP', cell: clusterIp },
    { name: 'External-IP', type: 'string', jsonPath: '.spec.externalIPs', cell: externalIp },
    { name: 'Port(s)', type: 'string', jsonPath: '.spec.ports[*].port', cell: ports },
    ageColumn,
    { name: 'Selector', type: 'string', priority: 1, jsonPath: '.spec.selector', cell: selector },
  ],
  completeUpdate: keepAddress,
  validateUpdate: checkAddressKept,
  subresources: { status: true },
  selectableFields: ['spec.clusterIP', 'spec.type'],
  strategicMerge: true,
  answersDeleted: true,
  visibility: 'mesh',
  exportedTo: ({ metadata }) =>
    (metadata.annotations?.[EXPORT_TO] ?? '')
      .split(',')
      .map((target) => target.trim())
      .filter((target) => target !== ''),
  confidential: false,
};

/** An address that was given to a Service stays its own when it is written without one. */
function keepAddress(old: Service, resource: Service): Service {
  const { clusterIP = '', clusterIPs } = old.spec;
  const { spec } = resource;
  if (clusterIP === '' || (spec.clusterIP ?? '') !== '' || spec.type === 'ExternalName') {
    return resource;
  }
  const kept = clusterIPs === undefined ? {} : { clusterIPs };
  return { ...resource, spec: { ...spec, clusterIP, ...kept } };
}

function checkAddressKept(old: Service, { spec }: Service, report: Report): void {
  const { clusterIP = '', type } = old.spec;
  if (clusterIP === '' || type === 'ExternalName' || spec.type === 'ExternalName') return;
  if (spec.clusterIP !== clusterIP) report('spec.clusterIP', 'cannot be changed once it is given');
}

function clusterIp(resource: Resource): string {
  const { clusterIP = '' } = (resource as Service).spec;
  return clusterIP === '' ? '<none>' : clusterIP;
}

function externalIp(resource: Resource): string {
  const { type, externalName = '', externalIPs = [] } = (resource as Service).spec;
  if (type === 'ExternalName') return externalName;
  return externalIPs.length > 0 ? externalIPs.join(',') : '<none>';
}

/** `80/TCP,443:31443/TCP`. */
function ports(resource: Resource): string {
  const texts = ((resource as Service).spec.ports ?? []).map(
    ({ port, nodePort = 0, protocol = 'TCP' }) =>
      `${port}${nodePort > 0 ? `:${nodePort}` : ''}/${protocol}`,
  );
  return texts.length > 0 ? texts.join(',') : '<none>';
}

function selector(resource: Resource): string {
  const labels = Object.entries((resource as Service).spec.selector ?? {});
  return labels.length > 0 ? labels.map((pair) => pair.join('=')).join(',') : '<none>';
}
