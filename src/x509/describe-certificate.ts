import type { Certificate } from './certificate.ts';

const MAX_NAME_LENGTH = 200;

/** A certificate for messages: `certificate "spiffe://td/ns/a/sa/b" (serial 1f2e)`. */
export function describeCertificate(certificate: Certificate): string {
  const { uriSans, subject, dnsSans, serial } = certificate;
  const name = uriSans[0] ?? (subject === '' ? (dnsSans[0] ?? '') : subject);
  return `certificate ${quoteName(name)} (serial ${serial})`;
}

/** A name that a stranger chose, in quotes and at most 200 characters long. */
export function quoteName(name: string): string {
  return `"${name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name}"`;
}
