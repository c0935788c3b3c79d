/** TLS versions as Istio names them; TLS_AUTO leaves the choice to the proxy. */
export const TLS_VERSIONS = ['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'] as const;

/** The cipher suites that Istio lets people choose from, by OpenSSL's names; those of TLS 1.3 are fixed. */
const CIPHER_SUITES: ReadonlySet<string> = new Set([
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
  'DES-CBC3-SHA',
]);

/** Whether a suite is one that can be chosen; `ALL` and the like are left to the proxy. */
export function isCipherSuite(suite: string): boolean {
  return CIPHER_SUITES.has(suite);
}

/** Those of `suites` that no proxy knows, and those that are there twice. */
export function doubtfulSuites(suites: readonly string[]): {
  readonly unknown: readonly string[];
  readonly repeated: readonly string[];
} {
  return {
    unknown: suites.filter((suite) => !CIPHER_SUITES.has(suite) && suite !== 'ALL'),
    repeated: suites.filter((suite, index) => suites.indexOf(suite) !== index),
  };
}
