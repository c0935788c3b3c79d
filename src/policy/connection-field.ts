import type { Call } from './call.ts';
import { clientAddress } from './client-address.ts';
import type { Field, FieldContext } from './field.ts';
import { namespaceMatch, serviceAccountMatch, trustDomainMatch } from './identity-match.ts';
import { parseIpBlock } from './ip-block.ts';
import { parseIp } from './parse-ip.ts';
import { quote } from './quote.ts';
import { anyWildcardMatch, type TextMatch } from './wildcard-match.ts';

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
  'source.ip': addressField(({ connection }) => connection.sourceIp),
  'remote.ip': { ...addressField(remoteAddress), http: 'more' },
  'destination.ip': addressField(({ connection }) => connection.destinationIp),
  'destination.port': {
    matchAny: (values) => {
      const ports = new Set(values.map(Number));
      return ({ connection }) => ports.has(connection.destinationPort);
    },
    isValid: (value) => /^\d+$/.test(value) && Number(value) <= 65_535,
    describe: ({ connection }) => quote(String(connection.destinationPort)),
  },
  'connection.sni': {
    matchAny: (values) => {
      const matches = anyWildcardMatch(values);
      return ({ connection }) => matches(connection.sni ?? '');
    },
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
): Field {
  return {
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

function addressField(addressOf: (call: Call, context: FieldContext) => string): Field {
  return {
    matchAny: (values, context) => {
      const blocks = values.map(parseIpBlock).filter((block) => block !== undefined);
      return (call) => {
        const ip = parseIp(addressOf(call, context));
        if (ip === undefined) return false;
        for (const block of blocks) if (block.contains(ip)) return true;
        return false;
      };
    },
    isValid: (value) => parseIpBlock(value) !== undefined,
    describe: (call, context) => quote(addressOf(call, context)),
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
