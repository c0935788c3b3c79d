import { type IpBlock, parseIpBlock } from '../ip-block.ts';
import { addressText, parseIp } from '../parse-ip.ts';
import { quote } from '../quote.ts';
import type { Call } from './call.ts';
import { clientAddress } from './client-address.ts';
import type { Field, FieldContext } from './field.ts';
import {
  namespacesMatch,
  namespaceTerm,
  serviceAccountMatch,
  trustDomainMatch,
} from './identity-match.ts';
import { accountsIn, namespacesIn } from './identity-parts.ts';
import { anyBlockContains } from './ip-block-set.ts';
import { type PredicateIndex, type Term, wildcardTerm } from './term.ts';
import { anyWildcardMatch, type TextMatch } from './wildcard-match.ts';

/** The fields by the names of their `when` keys. */
export const connectionFields = {
  'source.principal': identityField(
    (values, { aliases }) => anyWildcardMatch(aliases.expandPrincipals(values)),
    (values, { aliases }) => ({
      dimension: 'source.principal',
      terms: aliases.expandPrincipals(values).map(wildcardTerm),
      texts: ({ connection }) => connection.principal,
    }),
  ),
  'source.namespace': identityField(namespacesMatch, (values) =>
    namespaceIndex(values.map(namespaceTerm)),
  ),
  'source.serviceAccount': identityField(
    (values, { policyNamespace }) =>
      anyOf(values.map((value) => serviceAccountMatch(value, policyNamespace))),
    (values) => ({
      dimension: 'source.serviceAccount',
      terms: values.map((value) => ({ form: 'exact', text: accountOf(value) })),
      texts: ({ connection }) => connection.principal && accountsIn(connection.principal),
    }),
  ),
  'source.trustDomain': identityField((values, { aliases }) =>
    anyOf(aliases.expandTrustDomains(values).map(trustDomainMatch)),
  ),
  'source.ip': addressField('source.ip', ({ connection }) => connection.sourceIp),
  'remote.ip': { ...addressField('remote.ip', remoteAddress), http: 'more' },
  'destination.ip': addressField('destination.ip', ({ connection }) => connection.destinationIp),
  'destination.port': {
    matchAny: (values) => {
      const ports = new Set(values.map(Number));
      return ({ connection }) => ports.has(connection.destinationPort);
    },
    index: (values) => ({
      dimension: 'destination.port',
      terms: values.map((value) => ({ form: 'exact', text: String(Number(value)) })),
      texts: ({ connection }) => String(connection.destinationPort),
    }),
    isValid: (value) => /^\d+$/.test(value) && Number(value) <= 65_535,
    describe: ({ connection }) => quote(String(connection.destinationPort)),
  },
  'connection.sni': {
    matchAny: (values) => {
      const matches = anyWildcardMatch(values);
      return ({ connection }) => matches(connection.sni ?? '');
    },
    index: (values) => ({
      dimension: 'connection.sni',
      terms: values.map(wildcardTerm),
      texts: ({ connection }) => connection.sni ?? '',
    }),
    describe: ({ connection: { sni = '' } }) =>
      sni === '' ? 'a connection without server name' : quote(sni),
  },
} as const satisfies Record<string, Field>;

/**
 * `experimental.envoy.filters.NAME[KEY]`: metadata that only Envoy's own filters set, so it is never
 * there. Without a KEY no value can be used.
 */
export function envoyMetadataField(key: string): Field {
  return {
    matchAny: () => () => false,
    isValid: () => key.includes('['),
    describe: () => 'a connection without Envoy metadata',
  };
}

/** A field of the verified identity, which a plaintext caller does not have: nothing matches then. */
function identityField(
  compile: (values: readonly string[], context: FieldContext) => TextMatch,
  index?: Field['index'],
): Field {
  return {
    ...(index && { index }),
    matchAny: (values, context) => {
      const matches = compile(values, context);
      return ({ connection: { principal } }) =>
        principal !== undefined && principal !== '' && matches(principal);
    },
    describe: ({ connection: { principal } }) =>
      principal === undefined || principal === ''
        ? 'a plaintext caller, which has no identity'
        : quote(principal),
  };
}

/** Without X-Forwarded-For and PROXY protocol nobody but the peer itself can be the client. */
function remoteAddress({ connection, http }: Call, { numTrustedProxies }: FieldContext): string {
  const peer = connection.remoteIp ?? connection.sourceIp;
  return http === undefined
    ? peer
    : clientAddress(http.header('x-forwarded-for'), peer, numTrustedProxies);
}

function addressField(
  name: string,
  addressOf: (call: Call, context: FieldContext) => string,
): Field {
  return {
    matchAny: (values, context) => {
      const contains = anyBlockContains(blocksOf(values));
      return (call) => {
        const ip = parseIp(addressOf(call, context));
        return ip !== undefined && contains(ip);
      };
    },
    index: (values, context) => ({
      dimension: name,
      terms: blocksOf(values).map(({ text }) => ({ form: 'prefix', text })),
      texts: (call) => {
        const ip = parseIp(addressOf(call, context));
        return ip === undefined ? undefined : addressText(ip);
      },
    }),
    isValid: (value) => parseIpBlock(value) !== undefined,
    describe: (call, context) => quote(addressOf(call, context)),
  };
}

/** `sa` of `ns/sa`, or of `sa`. */
function accountOf(value: string): string {
  return value.split('/', 2).at(-1) ?? '';
}

function blocksOf(values: readonly string[]): readonly IpBlock[] {
  return values.map(parseIpBlock).filter((block) => block !== undefined);
}

/** Undefined where one of the terms is. */
function namespaceIndex(terms: readonly (Term | undefined)[]): PredicateIndex | undefined {
  if (!terms.every((term) => term !== undefined)) return undefined;
  return {
    dimension: 'source.namespace',
    terms,
    texts: ({ connection }) => connection.principal && namespacesIn(connection.principal),
  };
}

function anyOf(matches: readonly TextMatch[]): TextMatch {
  const [first] = matches;
  if (matches.length === 1 && first !== undefined) return first;
  return (text) => {
    for (const match of matches) if (match(text)) return true;
    return false;
  };
}
