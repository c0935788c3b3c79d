import { type Static, Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { list, text } from '../fields.ts';
import { isIpAddress } from '../ip-syntax.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Immutable, Resource } from '../resource.ts';
import { closed, port } from '../schema.ts';
import { atomicList } from '../schema-annotations.ts';
import { ageColumn } from './columns.ts';
import { objectReference } from './object-reference.ts';

const address = lazy(() =>
  closed(
    {
      ip: Type.String({ description: 'IP address.' }),
      hostname: text('Host name under the Service.'),
      nodeName: text('Node it is on.'),
      targetRef: Type.Optional(objectReference()),
    },
    'One endpoint.',
  ),
);

const schema = lazy(() =>
  Type.Object(
    {
      subsets: list(
        closed(
          {
            addresses: list(address(), 'Endpoints that can be called.', { ...atomicList() }),
            notReadyAddresses: list(address(), 'Endpoints that cannot yet.', { ...atomicList() }),
            ports: list(
              closed(
                {
                  name: text('Name of the port of the Service.'),
                  port: port('Its number at the endpoint.'),
                  protocol: Type.Optional(
                    Type.Enum(['TCP', 'UDP', 'SCTP'], {
                      type: 'string',
                      default: 'TCP',
                      description: 'Transport protocol.',
                    }),
                  ),
                  appProtocol: text('Application protocol.'),
                },
                'One port.',
              ),
              'Ports of these endpoints.',
              { ...atomicList() },
            ),
          },
          'Endpoints with the same ports.',
        ),
        'The endpoints, by ports.',
        { ...atomicList() },
      ),
    },
    { additionalProperties: false },
  ),
);

type Address = Immutable<Static<ReturnType<typeof address>>>;
/** Where the workloads of a Service are. */
export type Endpoints = ResourceOf<'Endpoints', ReturnType<typeof schema>>;

/** Kubernetes' Endpoints. */
export const endpoints: KindDefinition<Endpoints> = {
  group: '',
  versions: ['v1'],
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  categories: [],
  namespaced: true,
  description:
    'Where the workloads of the Service of the same name are. EndpointSlice took its place.',
  get schema() {
    return schema();
  },
  columns: [{ name: 'Endpoints', type: 'string', jsonPath: '.subsets', cell: summary }, ageColumn],
  validate: checkEndpoints,
  strategicMerge: true,
  visibility: 'never',
  confidential: false,
};

function checkEndpoints({ subsets = [] }: Endpoints, report: Report): void {
  for (const [index, { addresses = [], notReadyAddresses = [] }] of subsets.entries()) {
    const at = fieldOf(['subsets', index]);
    if (addresses.length + notReadyAddresses.length === 0) {
      report(at, 'must have addresses or notReadyAddresses');
    }
    checkAddresses(addresses, `${at}.addresses`, report);
    checkAddresses(notReadyAddresses, `${at}.notReadyAddresses`, report);
  }
}

function checkAddresses(addresses: readonly Address[], field: string, report: Report): void {
  for (const [index, { ip }] of addresses.entries()) {
    if (!isIpAddress(ip))
      report(fieldOf([index, 'ip'], field), `${quote(ip)} is not an IP address`);
  }
}

const SHOWN = 3;

/** `10.0.0.1:80,10.0.0.2:80 + 3 more...`, as kubectl has it. */
function summary(resource: Resource): string {
  const all = ((resource as Endpoints).subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port: number }) => addresses.map(({ ip }) => `${ip}:${number}`)),
  );
  if (all.length === 0) return '<none>';
  const more = all.length > SHOWN ? ` + ${all.length - SHOWN} more...` : '';
  return `${all.slice(0, SHOWN).join(',')}${more}`;
}
