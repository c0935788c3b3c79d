import type { ConnectionFacts } from './authorize.ts';
import { namespaceMatch, serviceAccountMatch, trustDomainMatch } from './identity-match.ts';
import { parseIpBlock } from './ip-block.ts';
import { parseIp } from './parse-ip.ts';
import { quote } from './quote.ts';
import type { TrustDomainAliases } from './trust-domain-aliases.ts';
import { anyWildcardMatch, type TextMatch } from './wildcard-match.ts';

/** A question about a connection, compiled once and asked for each. */
export type ConnectionMatch = (connection: ConnectionFacts) => boolean;

/** What the meaning of a value depends on besides the value. */
export interface FieldContext {
  readonly policyNamespace: string;
  readonly aliases: TrustDomainAliases;
}

/** Something that policies ask of a connection, with istio-semantics 3.5's meaning of values. */
export interface ConnectionField {
  /** Matches any of `values`, which are all valid. */
  readonly matchAny: (values: readonly string[], context: FieldContext) => ConnectionMatch;
  /** Absent: every text is a valid value. */
  readonly isValid?: (value: string) => boolean;
  /** The connection's own value, for people. */
  readonly describe: (connection: ConnectionFacts) => string;
}

/** The fields by the names of their `when` keys. */
export const connectionFields = {
  'source.principal': identityField((values, { aliases }) =>
    anyWildcardMatch(aliases.expandPrincipals(values)),
  ),
  'source.namespace': identityField((values) => anyOf(values.map(namespaceMatch))),
  'source.serviceAccount': identityField((values, { policyNamespace }) =>
    anyOf(values.map((value) => serviceAccountMatch(value, policyNamespace))),
  ),
  'source.trustDomain': identityField((values, { aliases }) =>
    anyOf(aliases.expandTrustDomains(values).map(trustDomainMatch)),
  ),
  'source.ip': addressField(({ sourceIp }) => sourceIp),
  // without HTTP and PROXY protocol nobody but the peer itself can be the client
  'remote.ip': addressField(({ sourceIp }) => sourceIp),
  'destination.ip': addressField(({ destinationIp }) => destinationIp),
  'destination.port': {
    matchAny: (values) => {
      const ports = new Set(values.map(Number));
      return ({ destinationPort }) => ports.has(destinationPort);
    },
    isValid: (value) => /^\d+$/.test(value) && Number(value) <= 65_535,
    describe: ({ destinationPort }) => quote(String(destinationPort)),
  },
  'connection.sni': {
    matchAny: (values) => {
      const matches = anyWildcardMatch(values);
      return ({ sni = '' }) => matches(sni);
    },
    describe: ({ sni = '' }) => (sni === '' ? 'a connection without server name' : quote(sni)),
  },
} as const satisfies Record<string, ConnectionField>;

/**
 * `experimental.envoy.filters.NAME[KEY]`: metadata that only Envoy's own filters set, so it is never
 * there. Without a KEY no value can be used.
 */
export function envoyMetadataField(key: string): ConnectionField {
  return {
    matchAny: () => () => false,
    isValid: () => key.includes('['),
    describe: () => 'a connection without Envoy metadata',
  };
}

/** A field of the verified identity, which a plaintext caller does not have: nothing matches then. */
function identityField(
  compile: (values: readonly string[], context: FieldContext) => TextMatch,
): ConnectionField {
  return {
    matchAny: (values, context) => {
      const matches = compile(values, context);
      return ({ principal }) => principal !== undefined && principal !== '' && matches(principal);
    },
    describe: ({ principal }) =>
      principal === undefined || principal === ''
        ? 'a plaintext caller, which has no identity'
        : quote(principal),
  };
}

function addressField(addressOf: (connection: ConnectionFacts) => string): ConnectionField {
  return {
    matchAny: (values) => {
      const blocks = values.map(parseIpBlock).filter((block) => block !== undefined);
      return (connection) => {
        const ip = parseIp(addressOf(connection));
        if (ip === undefined) return false;
        for (const block of blocks) if (block.contains(ip)) return true;
        return false;
      };
    },
    isValid: (value) => parseIpBlock(value) !== undefined,
    describe: (connection) => quote(addressOf(connection)),
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
