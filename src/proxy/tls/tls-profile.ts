import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { TlsVersion } from '../../policy/mesh-settings.ts';
import { isCipherSuite } from '../../resources/kinds/tls-words.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { encodePem } from '../../x509/pem.ts';

/**
 * Post-quantum hybrid first, then the two that every peer has. The stroke ends a preference: a client that
 * knows the hybrid and guessed another group is asked to begin with the hybrid, at the cost of a round trip.
 */
const KEY_EXCHANGE_GROUPS = 'X25519MLKEM768/X25519:prime256v1';

const TLS_13_CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
];

/** Istio's mesh mTLS suites for TLS 1.2. */
const ISTIO_CIPHERS = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
];

/** Tickets are refused afterwards; their keys are often gone before. */
const RESUMABLE_SECONDS = 3_600;

/** Which TLS is spoken: HBONE between Hauberk's own sidecars, or Istio's on a workload port. */
export type TlsProfile = 'hbone' | 'istio';

/** What of Istio's TLS may be narrowed; HBONE's is always TLS 1.3. */
export interface TlsContextBounds {
  readonly minVersion?: TlsVersion | undefined;
  readonly maxVersion?: TlsVersion | undefined;
  /** For TLS 1.2, by OpenSSL's names; those that are not known are left out. Empty: Istio's six. */
  readonly cipherSuites?: readonly string[];
}

/** OpenSSL's list for these suites of TLS 1.2 and all of TLS 1.3; Istio's six where none is known. */
export function cipherList(suites: readonly string[]): string {
  const known = suites.filter((suite) => isCipherSuite(suite));
  return [...TLS_13_CIPHERS, ...(known.length > 0 ? known : ISTIO_CIPHERS)].join(':');
}

/** The groups of a key exchange, as OpenSSL takes them; the post-quantum hybrid stays first. */
export function keyExchangeGroups(curves: readonly string[]): string {
  const known = curves.flatMap((curve) => GROUPS.get(curve.toUpperCase()) ?? []);
  return known.length > 0 ? known.join(':') : KEY_EXCHANGE_GROUPS;
}

/** Istio's names of curves in OpenSSL's words. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ['X25519MLKEM768', 'X25519MLKEM768'],
  ['X25519', 'X25519'],
  ['P-256', 'prime256v1'],
  ['P-384', 'secp384r1'],
  ['P-521', 'secp521r1'],
]);

/**
 * The context options of either side for an identity: its chain and key, the bundles as the CAs that
 * a server names, TLS 1.3 (Istio's also 1.2). Sessions are resumed by tickets only, each profile's own,
 * and whoever resumes one looks at the peer's certificate again: see `Resumption`. No renegotiation.
 */
export function tlsContextOptions(
  identity: Identity,
  profile: TlsProfile,
  bounds: TlsContextBounds = {},
): SecureContextOptions {
  const { svid, bundle, federated = [] } = identity;
  return {
    cert: svid.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    key: svid.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    // Only names for the other side to choose a certificate by; whom to believe is decided elsewhere.
    ca: [bundle, ...federated].map((each) => each.toPem()).join(''),
    ecdhCurve: KEY_EXCHANGE_GROUPS,
    minVersion: profile === 'hbone' ? 'TLSv1.3' : (bounds.minVersion ?? 'TLSv1.2'),
    maxVersion: profile === 'hbone' ? 'TLSv1.3' : (bounds.maxVersion ?? 'TLSv1.3'),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: `hauberk ${profile}`,
    sessionTimeout: RESUMABLE_SECONDS,
    ...(profile === 'istio' ? { ciphers: cipherList(bounds.cipherSuites ?? []) } : {}),
  };
}
