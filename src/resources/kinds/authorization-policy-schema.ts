import { type Static, type TArray, type TString, Type } from 'typebox';
import type { Immutable } from '../resource.ts';
import { closed, closedOrEmpty, oneOf, status, strings } from '../schema.ts';
import { attachmentFields } from './attachment.ts';

const serviceAccountList = (description: string): TArray<TString> =>
  Type.Array(Type.String({ maxLength: 320 }), { maxItems: 16, description });

const source = closed(
  {
    principals: Type.Optional(
      strings('Identities of the caller, as `<trust domain>/ns/<namespace>/sa/<service account>`.'),
    ),
    notPrincipals: Type.Optional(strings('Identities that the caller must not have.')),
    requestPrincipals: Type.Optional(
      strings('Identities from the request token, as `<issuer>/<subject>`. HTTP only.'),
    ),
    notRequestPrincipals: Type.Optional(
      strings('Token identities that the request must not have. HTTP only.'),
    ),
    namespaces: Type.Optional(strings('Namespaces of the caller, taken from its identity.')),
    notNamespaces: Type.Optional(strings('Namespaces that the caller must not be in.')),
    serviceAccounts: Type.Optional(
      serviceAccountList(
        'Service accounts of the caller, as `<namespace>/<name>`, or `<name>` in the namespace of the policy; no wildcards.',
      ),
    ),
    notServiceAccounts: Type.Optional(
      serviceAccountList('Service accounts that the caller must not run as.'),
    ),
    trustDomains: Type.Optional(
      strings('Trust domains of the caller; one `*` at the start or the end.'),
    ),
    notTrustDomains: Type.Optional(strings('Trust domains that the caller must not be of.')),
    ipBlocks: Type.Optional(
      strings('Addresses or CIDR ranges of the peer of the connection, such as `10.0.0.0/8`.'),
    ),
    notIpBlocks: Type.Optional(strings('Addresses or ranges that the peer must not be in.')),
    remoteIpBlocks: Type.Optional(
      strings('Addresses or ranges of the client, as told by X-Forwarded-For or PROXY protocol.'),
    ),
    notRemoteIpBlocks: Type.Optional(
      strings('Addresses or ranges that the client must not be in.'),
    ),
  },
  'Who calls. Every field given must hold; of the values of one field, any.',
);

const operation = closed(
  {
    hosts: Type.Optional(strings('Host of the request, with its port if it has one. HTTP only.')),
    notHosts: Type.Optional(strings('Hosts that the request must not be for. HTTP only.')),
    ports: Type.Optional(strings('Ports of the workload, as text: `"8080"`.')),
    notPorts: Type.Optional(strings('Ports that the call must not be to, as text.')),
    methods: Type.Optional(strings('Methods of the request, in upper case. HTTP only.')),
    notMethods: Type.Optional(strings('Methods that the request must not have. HTTP only.')),
    paths: Type.Optional(
      strings(
        'Paths of the request, exact, with one `*`, or as a template with {*} and {**}. HTTP only.',
      ),
    ),
    notPaths: Type.Optional(strings('Paths that the request must not have. HTTP only.')),
  },
  'What is asked of the workload. Every field given must hold; of the values of one field, any.',
);

const condition = closed(
  {
    key: Type.String({ description: 'An attribute, such as `source.ip` or `request.headers[x]`.' }),
    values: Type.Optional(strings('Values of which the attribute must have one.')),
    notValues: Type.Optional(strings('Values of which the attribute must have none.')),
  },
  'A further condition on an attribute of the connection or request.',
);

const rule = closed(
  {
    from: Type.Optional(
      Type.Array(closed({ source: Type.Optional(source) }, 'One kind of caller.'), {
        maxItems: 512,
        description: 'Callers, of which one must match; anybody where it is left out.',
      }),
    ),
    to: Type.Optional(
      Type.Array(closed({ operation: Type.Optional(operation) }, 'One kind of operation.'), {
        description: 'Operations, of which one must match; any where it is left out.',
      }),
    ),
    when: Type.Optional(
      Type.Array(condition, { description: 'Conditions, all of which must hold.' }),
    ),
  },
  'Matches when its from, its to and its when all do; an empty rule matches everything.',
);

/** Who calls: `spec.rules[].from[].source`. */
export type AuthorizationSource = Immutable<Static<typeof source>>;
/** What is asked: `spec.rules[].to[].operation`. */
export type AuthorizationOperation = Immutable<Static<typeof operation>>;
/** A further condition: `spec.rules[].when[]`. */
export type AuthorizationCondition = Immutable<Static<typeof condition>>;
/** One of `spec.rules`. */
export type AuthorizationRule = Immutable<Static<typeof rule>>;

/** The schema of an AuthorizationPolicy below its metadata. */
export const authorizationPolicySchema = Type.Object(
  {
    spec: closedOrEmpty(
      {
        ...attachmentFields,
        action: Type.Optional(
          oneOf(
            ['ALLOW', 'DENY', 'AUDIT', 'CUSTOM'],
            'What happens to a call that matches; ALLOW where it is left out.',
          ),
        ),
        provider: Type.Optional(
          closed(
            { name: Type.Optional(Type.String({ description: 'Its name in the mesh settings.' })) },
            'Who decides, for action CUSTOM only.',
          ),
        ),
        rules: Type.Optional(
          Type.Array(rule, {
            maxItems: 512,
            description:
              'The policy matches when one of its rules does. With none, an ALLOW policy allows nothing.',
          }),
        ),
      },
      'Which calls of the selected workloads are allowed, denied, audited or asked about.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** What an AuthorizationPolicy wants: `spec`. */
export type AuthorizationPolicySpec = Immutable<Static<typeof authorizationPolicySchema>>['spec'];
