import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { ageColumn } from './columns.ts';
import { checkMetaSelector } from './meta-label-selector.ts';
import { podMonitorSchema, serviceMonitorSchema } from './monitor-schema.ts';

type ServiceMonitor = ResourceOf<'ServiceMonitor', ReturnType<typeof serviceMonitorSchema>>;
type PodMonitor = ResourceOf<'PodMonitor', ReturnType<typeof podMonitorSchema>>;

const common = {
  group: 'monitoring.coreos.com',
  versions: ['v1'],
  categories: ['prometheus-operator'],
  namespaced: true,
  columns: [ageColumn],
  subresources: { status: true },
  visibility: 'never',
  inert: true,
  confidential: false,
} as const;

/** The Prometheus operator's ServiceMonitor. */
export const serviceMonitor: KindDefinition<ServiceMonitor> = {
  ...common,
  kind: 'ServiceMonitor',
  plural: 'servicemonitors',
  singular: 'servicemonitor',
  shortNames: ['smon'],
  description: 'Says which Services Prometheus asks for metrics, and how.',
  get schema() {
    return serviceMonitorSchema();
  },
  validate: ({ spec }, report) => checkMetaSelector(spec.selector, 'spec.selector', report),
};

/** The Prometheus operator's PodMonitor. */
export const podMonitor: KindDefinition<PodMonitor> = {
  ...common,
  kind: 'PodMonitor',
  plural: 'podmonitors',
  singular: 'podmonitor',
  shortNames: ['pmon'],
  description: 'Says which Pods Prometheus asks for metrics, and how.',
  get schema() {
    return podMonitorSchema();
  },
  validate: ({ spec }, report) => checkMetaSelector(spec.selector, 'spec.selector', report),
};
