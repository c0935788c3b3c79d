import { contextTag, TAG } from './der-reader.ts';
import {
  booleanTrue,
  der,
  namedBits,
  objectIdentifier,
  sequence,
  unsignedInteger,
} from './der-writer.ts';
import { KEY_USAGES, type KeyUsage } from './extensions.ts';
import { OID } from './oids.ts';

function extension(oid: string): (value: Uint8Array, critical: boolean) => Uint8Array {
  const oidDer = objectIdentifier(oid);
  return (value, critical) => {
    const octets = der(TAG.octetString, value);
    return critical ? sequence(oidDer, booleanTrue, octets) : sequence(oidDer, octets);
  };
}

const basicConstraints = extension(OID.basicConstraints);
const keyUsage = extension(OID.keyUsage);
const extendedKeyUsage = extension(OID.extendedKeyUsage);
const subjectKeyId = extension(OID.subjectKeyIdentifier);
const authorityKeyId = extension(OID.authorityKeyIdentifier);
const crlNumber = extension(OID.crlNumber);
const crlReason = extension(OID.crlReason);

/** The subjectAltName extension around GeneralNames. */
export const altNamesExtension: (value: Uint8Array, critical: boolean) => Uint8Array = extension(
  OID.subjectAltName,
);

const PURPOSES = {
  serverAuth: objectIdentifier(OID.serverAuth),
  clientAuth: objectIdentifier(OID.clientAuth),
};
const NOT_CA = basicConstraints(sequence(), true);

/** Critical; CA:false is the default and therefore an empty sequence. */
export function basicConstraintsExtension(
  isCa: boolean,
  pathLength: number | undefined,
): Uint8Array {
  if (!isCa) return NOT_CA;
  const length = pathLength === undefined ? [] : [unsignedInteger(Uint8Array.of(pathLength))];
  return basicConstraints(sequence(booleanTrue, ...length), true);
}

/** Critical. */
export function keyUsageExtension(usages: readonly KeyUsage[]): Uint8Array {
  return keyUsage(namedBits(usages.map((usage) => KEY_USAGES.indexOf(usage))), true);
}

/** Not critical, as public and mesh CAs have it. */
export function extendedKeyUsageExtension(
  usages: readonly ('serverAuth' | 'clientAuth')[],
): Uint8Array {
  return extendedKeyUsage(sequence(...usages.map((usage) => PURPOSES[usage])), false);
}

/** Not critical, as RFC 5280 4.2.1.2 demands. */
export function subjectKeyIdExtension(id: Uint8Array): Uint8Array {
  return subjectKeyId(der(TAG.octetString, id), false);
}

/** The key identifier alone, without issuer and serial; not critical (RFC 5280 4.2.1.1). */
export function authorityKeyIdExtension(id: Uint8Array): Uint8Array {
  return authorityKeyId(sequence(der(contextTag(0), id)), false);
}

/** Of a revocation list; not critical (RFC 5280 5.2.3). */
export function crlNumberExtension(number: Uint8Array): Uint8Array {
  return crlNumber(unsignedInteger(number), false);
}

/** Of an entry in a revocation list, around a ReasonCode; not critical (RFC 5280 5.3.1). */
export function crlReasonExtension(reason: Uint8Array): Uint8Array {
  return crlReason(reason, false);
}
