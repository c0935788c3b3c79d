import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/**
 * Whether a server's certificate has one of `names`: a URI or address exactly, a DNS name as such
 * certificates mean it, with a wildcard for the first label. Its subject is not looked at.
 */
export function hasServerName(certificate: X509Certificate, names: readonly string[]): boolean {
  const uris = new Set(uriNames(certificate));
  return names.some((name) => {
    if (uris.has(name)) return true;
    if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
    // a name with a scheme is no host, and Node would look for one in it
    if (name.includes(':')) return false;
    return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
  });
}

/** What the certificate calls its holder, for messages. */
export function presentedNames(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? 'no name at all';
}

function uriNames({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName
    .split(', ')
    .filter((entry) => entry.startsWith('URI:'))
    .map((entry) => entry.slice('URI:'.length));
}
