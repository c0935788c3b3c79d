import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { checkVirtualService, warnOfVirtualService } from './check-virtual-service.ts';
import { ageColumn } from './columns.ts';
import { virtualServiceSchema } from './virtual-service-schema.ts';

/** Where calls to some hosts go. */
export type VirtualService = ResourceOf<'VirtualService', ReturnType<typeof virtualServiceSchema>>;

/** Istio's VirtualService. */
export const virtualService: KindDefinition<VirtualService> = {
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'VirtualService',
  plural: 'virtualservices',
  singular: 'virtualservice',
  shortNames: ['vs'],
  categories: ['istio-io', 'networking-istio-io'],
  namespaced: true,
  description:
    'Says where calls to some hosts go: by path, header or share to subsets of a service, with timeouts, retries and faults.',
  get schema() {
    return virtualServiceSchema();
  },
  columns: [
    { name: 'Gateways', type: 'string', jsonPath: '.spec.gateways' },
    { name: 'Hosts', type: 'string', jsonPath: '.spec.hosts' },
    ageColumn,
  ],
  validate: checkVirtualService,
  warn: warnOfVirtualService,
  subresources: { status: true },
  visibility: 'mesh',
  inert: true,
  exportedTo: ({ spec }) => spec.exportTo ?? [],
  confidential: false,
};
