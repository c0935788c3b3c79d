import { type Static, Type } from 'typebox';
import type { Immutable } from '../resource.ts';
import { closed, mapOf, oneOf, port, status, strings } from '../schema.ts';
import { mapList } from '../schema-annotations.ts';

const text = (description: string) => Type.Optional(Type.String({ description }));

const servicePort = closed(
  {
    name: text('Needed where there is more than one port; may say the protocol, as in `http-api`.'),
    port: port('Port of the Service.'),
    targetPort: Type.Optional(
      Type.Unsafe<number | string>({
        type: ['integer', 'string'],
        'x-kubernetes-int-or-string': true,
        minimum: 1,
        maximum: 65535,
        description:
          'Port of the workload, by number or name; the port itself where it is left out.',
      }),
    ),
    protocol: Type.Optional(
      Type.Enum(['TCP', 'UDP', 'SCTP'], {
        type: 'string',
        default: 'TCP',
        description: 'Transport protocol; TCP where it is left out.',
      }),
    ),
    appProtocol: text('Application protocol, such as `http`.'),
    nodePort: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 })),
  },
  'One port of the Service.',
);

const sessionAffinityConfig = closed(
  {
    clientIP: Type.Optional(
      closed(
        { timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })) },
        'Stickiness by the address of the client.',
      ),
    ),
  },
  'How long a client stays with one endpoint.',
);

const spec = closed(
  {
    type: Type.Optional(
      Type.Enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], {
        type: 'string',
        default: 'ClusterIP',
        description: 'How the Service is reached; ClusterIP where it is left out.',
      }),
    ),
    ports: Type.Optional(
      Type.Array(servicePort, {
        description: 'The ports it answers on.',
        ...mapList('port', 'protocol'),
      }),
    ),
    selector: Type.Optional(
      mapOf(Type.String(), 'Labels of the workloads behind it, all of which must be carried.'),
    ),
    clusterIP: text('Its own address; `None` for a headless Service.'),
    clusterIPs: Type.Optional(strings('Its own addresses, one an IP family.', { maxItems: 2 })),
    ipFamilies: Type.Optional(
      Type.Array(oneOf(['IPv4', 'IPv6'], 'An IP family.'), { maxItems: 2 }),
    ),
    ipFamilyPolicy: Type.Optional(
      oneOf(
        ['SingleStack', 'PreferDualStack', 'RequireDualStack'],
        'Which IP families it asks for.',
      ),
    ),
    externalIPs: Type.Optional(strings('Further addresses at which nodes accept its traffic.')),
    externalName: text('DNS name to which an ExternalName Service leads.'),
    externalTrafficPolicy: Type.Optional(
      oneOf(['Cluster', 'Local'], 'Whether outside traffic may leave the node it came to.'),
    ),
    internalTrafficPolicy: Type.Optional(
      oneOf(['Cluster', 'Local'], 'Whether inside traffic may leave its node.'),
    ),
    sessionAffinity: Type.Optional(
      oneOf(['None', 'ClientIP'], 'Whether a client stays with one endpoint.'),
    ),
    sessionAffinityConfig: Type.Optional(sessionAffinityConfig),
    trafficDistribution: text('Which endpoints are preferred, such as `PreferClose`.'),
    publishNotReadyAddresses: Type.Optional(
      Type.Boolean({ description: 'Whether endpoints that are not ready count too.' }),
    ),
    healthCheckNodePort: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 })),
    allocateLoadBalancerNodePorts: Type.Optional(Type.Boolean()),
    loadBalancerClass: text('Who makes its load balancer.'),
    loadBalancerIP: text('Address wished for its load balancer.'),
    loadBalancerSourceRanges: Type.Optional(
      strings('Ranges from which its load balancer accepts clients.'),
    ),
  },
  'Which workloads are behind the name, and on which ports.',
);

/** The schema of a Service below its metadata. */
export const serviceSchema = Type.Object(
  { spec: spec, status: Type.Optional(status) },
  { additionalProperties: false },
);

/** What a Service wants: `spec`. */
export type ServiceSpec = Immutable<Static<typeof serviceSchema>>['spec'];
