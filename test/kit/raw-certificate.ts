import { contextConstructed, TAG } from '../../src/x509/der-reader.ts';
import {
  booleanTrue,
  der,
  objectIdentifier,
  sequence,
  unsignedInteger,
} from '../../src/x509/der-writer.ts';
import { nameDer } from '../../src/x509/distinguished-name.ts';
import { generateKeyPair, type KeyPair } from '../../src/x509/key-pair.ts';
import { signatureAlgorithmFor, signData } from '../../src/x509/signed-data.ts';
import { exportSpki } from '../../src/x509/spki.ts';

const keys: KeyPair = generateKeyPair();

/** Parts of a certificate, each given as its DER; what is left out is as it should be. */
export interface RawCertificate {
  readonly version?: Uint8Array;
  readonly serial?: Uint8Array;
  readonly algorithm?: Uint8Array;
  readonly issuer?: Uint8Array;
  readonly validity?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly spki?: Uint8Array;
  /** Instead of `[3]` and all that is in it. */
  readonly extensions?: Uint8Array;
  readonly signer?: KeyPair;
}

/** A signed certificate whose parts may break any rule, as no sane CA would make it. */
export function rawCertificate(parts: RawCertificate = {}): Uint8Array {
  const signer = parts.signer ?? keys;
  const algorithm = signatureAlgorithmFor(signer.privateKey);
  const name = nameDer([{ type: 'CN', value: 'raw' }]);
  const contents = sequence(
    parts.version ?? der(contextConstructed(0), der(TAG.integer, Uint8Array.of(2))),
    parts.serial ?? unsignedInteger(Uint8Array.of(1)),
    parts.algorithm ?? algorithm.der,
    parts.issuer ?? name,
    parts.validity ?? rawValidity('260101000000Z', '360101000000Z'),
    parts.subject ?? name,
    parts.spki ?? exportSpki(keys.publicKey),
    parts.extensions ?? new Uint8Array(),
  );
  return signData(contents, signer.privateKey, algorithm);
}

/** Validity of two UTCTimes; texts of 15 characters become GeneralizedTimes. */
export function rawValidity(notBefore: string, notAfter: string): Uint8Array {
  return sequence(...[notBefore, notAfter].map(rawTime));
}

function rawTime(text: string): Uint8Array {
  return der(text.length === 15 ? TAG.generalizedTime : TAG.utcTime, Buffer.from(text));
}

export function rawExtensions(...extensions: readonly Uint8Array[]): Uint8Array {
  return der(contextConstructed(3), sequence(...extensions));
}

/** One extension; `value` is what its OCTET STRING holds. */
export function rawExtension(oid: string, value: Uint8Array, critical = false): Uint8Array {
  const flag = critical ? [booleanTrue] : [];
  return sequence(objectIdentifier(oid), ...flag, der(TAG.octetString, value));
}
