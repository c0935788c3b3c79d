import { describe } from 'vitest';
import {
  type Asked,
  allow,
  CLIENT_ID,
  deny,
  from,
  itAnswers,
  meshConfig,
  plaintext,
  ROOT,
  type VerdictRow,
  when,
} from '../../../test/kit/verdict-rig.ts';

// Expected by hand from Istio's semantics, never taken from what the engine said.

const as = (principal: string): Asked => ({ source: { principal } });

const identities: readonly VerdictRow[] = [
  ['exact principal', allow(from(`{principals: ["${CLIENT_ID}"]}`)), {}, 'allow'],
  [
    'principal with spiffe:// written, which never matches',
    allow(from(`{principals: ["spiffe://${CLIENT_ID}"]}`)),
    {},
    'deny',
  ],
  [
    'principal is compared with case',
    allow(from(`{principals: ["${CLIENT_ID.toUpperCase()}"]}`)),
    {},
    'deny',
  ],
  ['principal * of a caller with identity', allow(from('{principals: ["*"]}')), {}, 'allow'],
  ['principal * of plaintext', allow(from('{principals: ["*"]}')), plaintext, 'deny'],
  ['principal prefix', allow(from('{principals: ["cluster.local/ns/foo/*"]}')), {}, 'allow'],
  [
    'principal prefix of another namespace',
    allow(from('{principals: ["cluster.local/ns/fo/*"]}')),
    {},
    'deny',
  ],
  ['principal suffix', allow(from('{principals: ["*/sa/client"]}')), {}, 'allow'],
  ['principal suffix inside a name', allow(from('{principals: ["*ient"]}')), {}, 'allow'],
  [
    'principal with a star in the middle is literal',
    allow(from('{principals: ["cluster.local/ns/*/sa/client"]}')),
    {},
    'deny',
  ],
  [
    'principal *x* is a suffix of a literal star',
    allow(from('{principals: ["*foo*"]}')),
    {},
    'deny',
  ],
  [
    'one of several principals',
    allow(from(`{principals: ["a/ns/b/sa/c", "${CLIENT_ID}"]}`)),
    {},
    'allow',
  ],
  [
    'notPrincipals of another',
    allow(from('{notPrincipals: ["cluster.local/ns/foo/sa/other"]}')),
    {},
    'allow',
  ],
  ['notPrincipals of the caller', allow(from(`{notPrincipals: ["${CLIENT_ID}"]}`)), {}, 'deny'],
  [
    'notPrincipals holds for plaintext',
    allow(from(`{notPrincipals: ["${CLIENT_ID}"]}`)),
    plaintext,
    'allow',
  ],
  [
    'notPrincipals * holds for plaintext only: DENY',
    deny(from('{notPrincipals: ["*"]}')),
    plaintext,
    'deny',
  ],
  [
    'notPrincipals * does not hold for an identity',
    deny(from('{notPrincipals: ["*"]}')),
    {},
    'allow',
  ],
  [
    'principals and notPrincipals are both wanted',
    allow(from(`{principals: ["*"], notPrincipals: ["${CLIENT_ID}"]}`)),
    {},
    'deny',
  ],
  ['namespace', allow(from('{namespaces: [foo]}')), {}, 'allow'],
  [
    'namespace of plaintext, whatever the question says of it',
    allow(from('{namespaces: [foo]}')),
    plaintext,
    'deny',
  ],
  ['namespace is not a prefix', allow(from('{namespaces: [fo]}')), {}, 'deny'],
  ['namespace with a star in the middle', allow(from('{namespaces: ["f*o"]}')), {}, 'allow'],
  ['namespace prefix and suffix', allow(from('{namespaces: ["*o*"]}')), {}, 'allow'],
  ['notNamespaces', allow(from('{notNamespaces: [foo]}')), {}, 'deny'],
  ['notNamespaces of plaintext', deny(from('{notNamespaces: [foo]}')), plaintext, 'deny'],
  [
    'namespace of another trust domain',
    allow(from('{namespaces: [foo]}')),
    as('other.org/ns/foo/sa/x'),
    'allow',
  ],
  ['service account in full', allow(from('{serviceAccounts: ["foo/client"]}')), {}, 'allow'],
  [
    "service account alone is of the policy's namespace",
    allow(from('{serviceAccounts: [client]}')),
    {},
    'deny',
  ],
  [
    'the same where the caller is there',
    allow(from('{serviceAccounts: [client]}')),
    as('cluster.local/ns/bar/sa/client'),
    'allow',
  ],
  [
    'service account alone in a root policy is of the root namespace',
    allow(from('{serviceAccounts: [client]}'), ROOT),
    as('cluster.local/ns/istio-system/sa/client'),
    'allow',
  ],
  [
    'the same for the workload namespace',
    allow(from('{serviceAccounts: [client]}'), ROOT),
    as('cluster.local/ns/bar/sa/client'),
    'deny',
  ],
  [
    'service account with more path behind',
    allow(from('{serviceAccounts: ["foo/client"]}')),
    as(`${CLIENT_ID}/more`),
    'allow',
  ],
  [
    'service account with more path between',
    allow(from('{serviceAccounts: ["foo/client"]}')),
    as('cluster.local/ns/foo/x/sa/client'),
    'allow',
  ],
  ['service account is no prefix', allow(from('{serviceAccounts: ["foo/clien"]}')), {}, 'deny'],
  [
    'notServiceAccounts of plaintext',
    deny(from('{notServiceAccounts: ["foo/client"]}')),
    plaintext,
    'deny',
  ],
  [
    'when source.principal',
    allow(when('source.principal', `values: ["${CLIENT_ID}"]`)),
    {},
    'allow',
  ],
  [
    'when source.principal, notValues',
    allow(when('source.principal', `notValues: ["${CLIENT_ID}"]`)),
    {},
    'deny',
  ],
  ['when source.namespace', allow(when('source.namespace', 'values: [foo]')), {}, 'allow'],
  [
    'when source.serviceAccount',
    allow(when('source.serviceAccount', 'values: ["foo/client"]')),
    {},
    'allow',
  ],
];

const domains: readonly VerdictRow[] = [
  [
    'cluster.local in a policy of a mesh with aliases',
    [meshConfig('trustDomainAliases: [old.org]'), allow(from(`{principals: ["${CLIENT_ID}"]}`))],
    as('old.org/ns/foo/sa/client'),
    'allow',
  ],
  [
    'an alias in a policy means the own domain too',
    [
      meshConfig('trustDomainAliases: [old.org]'),
      allow(from('{principals: ["old.org/ns/foo/sa/client"]}')),
    ],
    {},
    'allow',
  ],
  [
    'a domain that is no alias stays itself',
    [
      meshConfig('trustDomainAliases: [old.org]'),
      allow(from('{principals: ["other.org/ns/foo/sa/client"]}')),
    ],
    {},
    'deny',
  ],
  [
    'four parts are not expanded',
    [
      meshConfig('trustDomainAliases: [old.org]'),
      allow(from('{principals: ["cluster.local/ns/foo*"]}')),
    ],
    as('old.org/ns/foo/sa/client'),
    'deny',
  ],
  [
    'a star for the domain is left as it is',
    [
      meshConfig('trustDomainAliases: [old.org]'),
      allow(from('{principals: ["*/ns/foo/sa/client"]}')),
    ],
    as('any.org/ns/foo/sa/client'),
    'allow',
  ],
  [
    'five parts with a star for the account are expanded',
    [
      meshConfig('trustDomainAliases: [old.org]'),
      allow(from('{principals: ["cluster.local/ns/foo/sa/*"]}')),
    ],
    as('old.org/ns/foo/sa/x'),
    'allow',
  ],
  [
    'an expanded name is not negated away',
    [meshConfig('trustDomainAliases: [old.org]'), deny(from(`{notPrincipals: ["${CLIENT_ID}"]}`))],
    as('old.org/ns/foo/sa/client'),
    'allow',
  ],
  ['trustDomains', allow(from('{trustDomains: [cluster.local]}')), {}, 'allow'],
  ['trustDomains of another', allow(from('{trustDomains: [other.org]}')), {}, 'deny'],
  [
    'trustDomains with a star stays within the name',
    allow(from('{trustDomains: ["*.org"]}')),
    as('a.b.org/ns/foo/sa/c'),
    'allow',
  ],
  ['trustDomains * of plaintext', allow(from('{trustDomains: ["*"]}')), plaintext, 'deny'],
  [
    'trustDomains that is an alias is all of ours',
    [meshConfig('trustDomainAliases: [old.org]'), allow(from('{trustDomains: [old.org]}'))],
    {},
    'allow',
  ],
  [
    'when source.trustDomain',
    allow(when('source.trustDomain', 'values: [cluster.local]')),
    {},
    'allow',
  ],
];

describe('a verdict on identities', () => itAnswers(identities));
describe('a verdict on trust domains', () => itAnswers(domains));
