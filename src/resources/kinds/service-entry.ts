import { type Static, Type } from 'typebox';
import { list, text, texts, word } from '../fields.ts';
import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, port, status } from '../schema.ts';
import { mapList } from '../schema-annotations.ts';
import { checkServiceEntry, warnOfServiceEntry } from './check-service-entry.ts';
import { ageColumn } from './columns.ts';
import { endpointSchema } from './endpoint-schema.ts';
import { labelSelectorSchema } from './label-selector.ts';

const servicePort = lazy(() =>
  closed(
    {
      number: port('Port under which callers know the service.'),
      name: Type.String({ maxLength: 256, description: 'Name of the port, once in the entry.' }),
      protocol: text('HTTP, HTTPS, GRPC, HTTP2, MONGO, TCP or TLS; TCP where it is left out.', {
        maxLength: 256,
      }),
      targetPort: Type.Optional(
        port('Port of the endpoints; the number itself where it is left out.'),
      ),
    },
    'One port of the service.',
  ),
);

const spec = lazy(() =>
  closed(
    {
      hosts: Type.Array(Type.String(), {
        minItems: 1,
        maxItems: 256,
        description: 'Names of the service, as callers ask for it.',
      }),
      addresses: texts(
        'Virtual addresses or ranges by which it is recognised.',
        { maxItems: 256 },
        {
          maxLength: 64,
        },
      ),
      ports: list(servicePort(), 'Ports of the service.', { maxItems: 256, ...mapList('name') }),
      location: word(
        ['MESH_EXTERNAL', 'MESH_INTERNAL'],
        'Whether it is a part of the mesh: only what is inside is spoken to by mutual TLS. Outside where it is left out.',
      ),
      resolution: word(
        ['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'],
        'How its endpoints are found; NONE, where the caller was going, where it is left out.',
      ),
      endpoints: list(endpointSchema(), 'Its endpoints.', { maxItems: 4096 }),
      workloadSelector: Type.Optional(labelSelectorSchema()),
      exportTo: texts('Namespaces that know of it; all where it is left out, `~` for none.'),
      subjectAltNames: texts('Names of which the certificate of the service must have one.'),
    },
    'A service that the mesh does not find by itself.',
  ),
);

const schema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

/** What a ServiceEntry wants: `spec`. */
export type ServiceEntrySpec = Immutable<Static<ReturnType<typeof spec>>>;
/** A service that the mesh does not find by itself. */
export type ServiceEntry = ResourceOf<'ServiceEntry', ReturnType<typeof schema>>;

/** Istio's ServiceEntry. */
export const serviceEntry: KindDefinition<ServiceEntry> = {
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'ServiceEntry',
  plural: 'serviceentries',
  singular: 'serviceentry',
  shortNames: ['se'],
  categories: ['istio-io', 'networking-istio-io'],
  namespaced: true,
  description:
    'Makes a service known to the mesh that it does not find by itself: a web API outside, or processes on hosts.',
  get schema() {
    return schema();
  },
  columns: [
    { name: 'Hosts', type: 'string', jsonPath: '.spec.hosts' },
    { name: 'Location', type: 'string', jsonPath: '.spec.location' },
    { name: 'Resolution', type: 'string', jsonPath: '.spec.resolution' },
    ageColumn,
  ],
  validate: checkServiceEntry,
  warn: warnOfServiceEntry,
  subresources: { status: true },
  visibility: 'mesh',
  exportedTo: ({ spec: { exportTo = [] } }) => exportTo,
  confidential: false,
};
