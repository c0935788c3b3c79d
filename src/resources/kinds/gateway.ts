import { type Static, Type } from 'typebox';
import { list, text, textMap, uint32 } from '../fields.ts';
import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, closedOrEmpty, status } from '../schema.ts';
import { checkGateway, warnOfGateway } from './check-gateway.ts';
import { ageColumn } from './columns.ts';
import { serverTlsSchema } from './server-tls-schema.ts';

const server = lazy(() =>
  closed(
    {
      port: closed(
        {
          number: Type.Integer({
            minimum: 0,
            maximum: 4_294_967_295,
            description: 'Port that is listened on.',
          }),
          name: Type.String({ description: 'Name of the port, once on a gateway.' }),
          protocol: Type.String({ description: 'HTTP, HTTPS, GRPC, HTTP2, MONGO, TCP or TLS.' }),
          targetPort: uint32('Not supported on a gateway.'),
        },
        'Where callers come in.',
      ),
      bind: text('Address or Unix socket that is listened on; all addresses where it is left out.'),
      hosts: Type.Array(Type.String(), {
        description:
          'Hosts that are served, `*` for any, each with `<namespace>/` before it or not.',
      }),
      tls: Type.Optional(serverTlsSchema()),
      defaultEndpoint: text('Not used.'),
      name: text('Name of the server in statistics.'),
    },
    'One port of the gateway and what it serves.',
  ),
);

const schema = lazy(() =>
  Type.Object(
    {
      spec: closedOrEmpty(
        {
          servers: list(server(), 'The ports of the gateway.'),
          selector: textMap('Labels of the proxies that are this gateway.'),
        },
        'What callers from outside reach, and how.',
      ),
      status: Type.Optional(status),
    },
    { additionalProperties: false },
  ),
);

/** One port of a gateway. */
export type GatewayServer = Immutable<Static<ReturnType<typeof server>>>;
/** Where callers from outside come in. */
export type Gateway = ResourceOf<'Gateway', ReturnType<typeof schema>>;

/** Istio's Gateway. */
export const gateway: KindDefinition<Gateway> = {
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'Gateway',
  plural: 'gateways',
  singular: 'gateway',
  shortNames: ['gw'],
  categories: ['istio-io', 'networking-istio-io'],
  namespaced: true,
  nameForm: 'label',
  description:
    'Describes proxies at the edge of the mesh: their ports, protocols, TLS and hosts. VirtualServices say where calls go from there.',
  get schema() {
    return schema();
  },
  columns: [ageColumn],
  validate: checkGateway,
  warn: warnOfGateway,
  subresources: { status: true },
  visibility: 'mesh',
  inert: true,
  confidential: false,
};
