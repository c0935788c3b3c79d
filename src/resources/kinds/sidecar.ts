import { type Static, Type } from 'typebox';
import { list, text, uint32, word } from '../fields.ts';
import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, closedOrEmpty, status } from '../schema.ts';
import { checkSidecar, warnOfSidecar } from './check-sidecar.ts';
import { ageColumn } from './columns.ts';
import { connectionPoolSchema } from './connection-pool-schema.ts';
import { labelSelectorSchema } from './label-selector.ts';
import { serverTlsSchema } from './server-tls-schema.ts';

const sidecarPort = lazy(() =>
  closed(
    {
      number: uint32('Port that is listened on.'),
      protocol: text('HTTP, HTTPS, GRPC, HTTP2, MONGO, TCP or TLS.'),
      name: text('Name of the port.'),
      targetPort: uint32('Not supported on a sidecar.'),
    },
    'A port of the sidecar.',
  ),
);
const captureMode = lazy(() =>
  word(
    ['DEFAULT', 'IPTABLES', 'NONE'],
    'Whether connections are redirected to the sidecar, or made to it on purpose.',
  ),
);

const ingress = lazy(() =>
  closed(
    {
      port: Type.Optional(sidecarPort()),
      bind: text('Address that is listened on.'),
      captureMode: captureMode(),
      defaultEndpoint: text(
        'Where the workload listens: `127.0.0.1:8080`, or `unix://` and a path.',
      ),
      tls: Type.Optional(serverTlsSchema()),
      connectionPool: Type.Optional(connectionPoolSchema()),
    },
    'A port on which the workload is called.',
  ),
);

const egress = lazy(() =>
  closed(
    {
      port: Type.Optional(sidecarPort()),
      bind: text('Address or Unix socket that is listened on.'),
      captureMode: captureMode(),
      hosts: Type.Array(Type.String(), {
        description:
          'Services that can be reached, as `<namespace>/<host>`: `./*`, `*/api.shop.svc.cluster.local`.',
      }),
    },
    'Services that the workload can call.',
  ),
);

const spec = lazy(() =>
  closedOrEmpty(
    {
      workloadSelector: Type.Optional(labelSelectorSchema()),
      ingress: list(ingress(), 'Ports on which the workload is called.'),
      egress: list(egress(), 'Services that the workload calls.'),
      inboundConnectionPool: Type.Optional(connectionPoolSchema()),
      outboundTrafficPolicy: Type.Optional(
        closed(
          {
            mode: word(
              ['REGISTRY_ONLY', 'ALLOW_ANY'],
              'Whether services that nobody made known can be called; REGISTRY_ONLY where it is left out.',
            ),
            egressProxy: Type.Optional(
              closed(
                {
                  host: Type.String({ description: 'The service.' }),
                  subset: text('A subset of it.'),
                  port: Type.Optional(closed({ number: uint32('The number.') }, 'Its port.')),
                },
                'Where calls to unknown services go.',
              ),
            ),
          },
          'What becomes of calls to unknown services.',
        ),
      ),
    },
    'What a sidecar listens on and knows of.',
  ),
);

const schema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

/** What a Sidecar wants: `spec`. */
export type SidecarSpec = Immutable<Static<ReturnType<typeof spec>>>;
/** What the sidecars of a namespace, or some of them, listen on and know of. */
export type Sidecar = ResourceOf<'Sidecar', ReturnType<typeof schema>>;

/** Istio's Sidecar. */
export const sidecar: KindDefinition<Sidecar> = {
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'Sidecar',
  plural: 'sidecars',
  singular: 'sidecar',
  shortNames: [],
  categories: ['istio-io', 'networking-istio-io'],
  namespaced: true,
  description:
    'Narrows what the sidecars of a namespace, or those that a selector picks, listen on and can call.',
  get schema() {
    return schema();
  },
  columns: [ageColumn],
  validate: checkSidecar,
  warn: warnOfSidecar,
  subresources: { status: true },
  visibility: 'own-and-root',
  confidential: false,
};
