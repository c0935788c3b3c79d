import { Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { flag, list, text, textMap } from '../fields.ts';
import { isIpAddress } from '../ip-syntax.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Resource } from '../resource.ts';
import { sameJson } from '../same-json.ts';
import { closed } from '../schema.ts';
import { atomicList, setList } from '../schema-annotations.ts';
import { ageColumn } from './columns.ts';
import { objectReference } from './object-reference.ts';

const MAX_ENDPOINTS = 1_000;
const MAX_PORTS = 20_000;
const MAX_ADDRESSES = 100;

const named = (description: string) =>
  list(closed({ name: Type.String({ description: 'Its name.' }) }, 'One.'), description, {
    ...atomicList(),
  });

const endpoint = lazy(() =>
  closed(
    {
      addresses: Type.Array(Type.String(), {
        minItems: 1,
        maxItems: MAX_ADDRESSES,
        description: 'Addresses of the endpoint.',
        ...setList(),
      }),
      conditions: Type.Optional(
        closed(
          {
            ready: flag('Whether it can be called; true where it is left out.'),
            serving: flag('Whether it answers, even as it ends.'),
            terminating: flag('Whether it ends.'),
          },
          'How it is.',
        ),
      ),
      hostname: text('Host name under the Service.'),
      targetRef: Type.Optional(objectReference()),
      deprecatedTopology: textMap('No longer used.'),
      nodeName: text('Node it is on.'),
      zone: text('Zone it is in.'),
      hints: Type.Optional(
        closed(
          { forZones: named('Zones for whose callers it is.'), forNodes: named('Nodes likewise.') },
          'Whose calls it should get.',
        ),
      ),
    },
    'One endpoint.',
  ),
);

const schema = lazy(() =>
  Type.Object(
    {
      addressType: Type.Enum(['IPv4', 'IPv6', 'FQDN'], {
        type: 'string',
        description: 'What sort of addresses all endpoints have; never changes.',
      }),
      endpoints: Type.Array(endpoint(), {
        default: [],
        maxItems: MAX_ENDPOINTS,
        description: 'The endpoints.',
        ...atomicList(),
      }),
      ports: list(
        closed(
          {
            name: text('Name of the port of the Service.'),
            protocol: Type.Optional(
              Type.Enum(['TCP', 'UDP', 'SCTP'], {
                type: 'string',
                default: 'TCP',
                description: 'Transport protocol.',
              }),
            ),
            port: Type.Optional(
              Type.Integer({ minimum: 1, maximum: 65535, description: 'Its number.' }),
            ),
            appProtocol: text('Application protocol.'),
          },
          'One port.',
        ),
        'Ports of every endpoint.',
        { maxItems: MAX_PORTS, ...atomicList() },
      ),
    },
    { additionalProperties: false },
  ),
);

/** Where some of the workloads of a Service are. */
export type EndpointSlice = ResourceOf<'EndpointSlice', ReturnType<typeof schema>>;

/** Kubernetes' EndpointSlice. */
export const endpointSlice: KindDefinition<EndpointSlice> = {
  group: 'discovery.k8s.io',
  versions: ['v1'],
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  shortNames: [],
  categories: [],
  namespaced: true,
  description:
    'Where some of the workloads of a Service are, which its label kubernetes.io/service-name names.',
  get schema() {
    return schema();
  },
  columns: [
    { name: 'AddressType', type: 'string', jsonPath: '.addressType' },
    { name: 'Ports', type: 'string', jsonPath: '.ports[*].port', cell: ports },
    { name: 'Endpoints', type: 'string', jsonPath: '.endpoints[*].addresses', cell: addresses },
    ageColumn,
  ],
  validate: checkSlice,
  validateUpdate: (old, { addressType }, report) => {
    if (!sameJson(old.addressType, addressType)) report('addressType', 'cannot be changed');
  },
  strategicMerge: true,
  visibility: 'never',
  confidential: false,
};

function checkSlice({ addressType, endpoints }: EndpointSlice, report: Report): void {
  if (addressType === 'FQDN') return;
  for (const [index, { addresses: given }] of endpoints.entries()) {
    const bad = given.findIndex(
      (address) => !isIpAddress(address) || address.includes(':') !== (addressType === 'IPv6'),
    );
    if (bad >= 0) {
      report(
        fieldOf(['endpoints', index, 'addresses', bad]),
        `${quote(given[bad] ?? '')} is not an ${addressType} address`,
      );
    }
  }
}

function ports(resource: Resource): string {
  return summary(((resource as EndpointSlice).ports ?? []).map(({ port }) => `${port ?? '*'}`));
}

function addresses(resource: Resource): string {
  return summary((resource as EndpointSlice).endpoints.flatMap((one) => [...one.addresses]));
}

const SHOWN = 3;

function summary(texts: readonly string[]): string {
  if (texts.length === 0) return '<unset>';
  const more = texts.length > SHOWN ? ` + ${texts.length - SHOWN} more...` : '';
  return `${texts.slice(0, SHOWN).join(',')}${more}`;
}
