import type { Report } from '../kind-definition.ts';
import type { ServerTls } from './server-tls-schema.ts';
import { doubtfulSuites } from './tls-words.ts';

const CERTIFICATE_FIELDS = [
  'serverCertificate',
  'privateKey',
  'caCertificates',
  'tlsCertificates',
  'credentialName',
  'credentialNames',
] as const;

/** Istio's rules for the `tls` of a server at `field`. */
export function checkServerTls(tls: ServerTls, field: string, report: Report): void {
  const { mode = 'PASSTHROUGH' } = tls;
  checkVersions(tls, field, report);
  if (mode === 'ISTIO_MUTUAL') {
    for (const name of CERTIFICATE_FIELDS) {
      if (isSet(tls[name])) {
        report(`${field}.${name}`, 'cannot be set with the mode ISTIO_MUTUAL, which has its own');
      }
    }
    return;
  }
  if (mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH') return;
  const sources = sourcesOf(tls);
  if (sources.length > 1) report(field, `only one of ${sources.join(', ')} can be set`);
  checkRevocationList(tls, field, report);
  if (isSet(tls.credentialName) || isSet(tls.credentialNames)) return;
  checkFiles(tls, field, report);
}

/** What of the `tls` of a server is allowed and hardly meant. */
export function warnOfServerTls(tls: ServerTls, field: string, report: Report): void {
  const { mode = 'PASSTHROUGH', cipherSuites = [], minProtocolVersion = '' } = tls;
  if (mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH') {
    const ignored = [...CERTIFICATE_FIELDS, 'caCrl' as const].filter((name) => isSet(tls[name]));
    if (ignored.length > 0) report(field, `${ignored.join(', ')} is ignored with the mode ${mode}`);
  }
  const { unknown, repeated } = doubtfulSuites(cipherSuites);
  if (unknown.length > 0) {
    report(`${field}.cipherSuites`, `ignoring invalid cipher suites: ${unknown.join(', ')}`);
  }
  if (repeated.length > 0) {
    report(`${field}.cipherSuites`, `ignoring duplicate cipher suites: ${repeated.join(', ')}`);
  }
  if (['TLSV1_0', 'TLSV1_1'].includes(minProtocolVersion) && cipherSuites.length === 0) {
    report(
      `${field}.minProtocolVersion`,
      `${minProtocolVersion} needs cipherSuites that it has; none of the usual ones works with it`,
    );
  }
}

function sourcesOf(tls: ServerTls): readonly string[] {
  const files = isSet(tls.serverCertificate) || isSet(tls.privateKey);
  return [
    ...(files ? ['serverCertificate with privateKey'] : []),
    ...(['credentialName', 'credentialNames', 'tlsCertificates'] as const).filter((name) =>
      isSet(tls[name]),
    ),
  ];
}

function checkRevocationList(tls: ServerTls, field: string, report: Report): void {
  if (!isSet(tls.caCrl)) return;
  if (tls.mode === 'SIMPLE') report(`${field}.caCrl`, 'cannot be set with the mode SIMPLE');
  if (isSet(tls.credentialName)) {
    report(`${field}.caCrl`, 'cannot be set together with credentialName');
  }
}

function checkFiles(tls: ServerTls, field: string, report: Report): void {
  const { mode, tlsCertificates } = tls;
  const files = tlsCertificates ?? [tls];
  for (const [index, certificate] of files.entries()) {
    const at = tlsCertificates === undefined ? field : `${field}.tlsCertificates[${index}]`;
    for (const name of ['serverCertificate', 'privateKey'] as const) {
      if (!isSet(certificate[name])) report(`${at}.${name}`, `is required with the mode ${mode}`);
    }
  }
  if (mode === 'SIMPLE' || isSet(tls.caCertCredentialName)) return;
  const known = isSet(tls.caCertificates) || files.some((file) => isSet(file.caCertificates));
  if (!known) {
    report(
      `${field}.caCertificates`,
      `is required with the mode ${mode}: who may call is said by it`,
    );
  }
}

function checkVersions(tls: ServerTls, field: string, report: Report): void {
  const { minProtocolVersion: lowest = 'TLS_AUTO', maxProtocolVersion: highest = 'TLS_AUTO' } = tls;
  if (lowest !== 'TLS_AUTO' && highest !== 'TLS_AUTO' && lowest > highest) {
    report(`${field}.minProtocolVersion`, `${lowest} is above maxProtocolVersion ${highest}`);
  }
}

function isSet(value: string | readonly unknown[] | undefined): boolean {
  return value !== undefined && value.length > 0;
}
