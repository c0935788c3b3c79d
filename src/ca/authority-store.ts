import { createPrivateKey, createPublicKey } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';
import { isSignedBy, parseCertificate } from '../x509/certificate.ts';
import { decodePem, encodePem } from '../x509/pem.ts';
import type { Authority } from './authority.ts';
import type { KeySlots } from './rotation.ts';
import type { SlotCodec } from './rotation-record.ts';

export interface Authorities {
  readonly root: Authority;
  readonly intermediate: Authority;
}

/** Where the key slots live between two runs. Whoever implements it keeps the keys sealed. */
export interface AuthorityStore {
  load(): Promise<KeySlots<Authorities> | undefined>;
  save(slots: KeySlots<Authorities>): Promise<void>;
}

/** The stored form: names as in Istio's CA Secrets, values PEM. */
export interface AuthorityFiles {
  readonly 'root-cert.pem': string;
  readonly 'root-key.pem': string;
  readonly 'ca-cert.pem': string;
  readonly 'ca-key.pem': string;
}

const FILE_NAMES = ['root-cert.pem', 'root-key.pem', 'ca-cert.pem', 'ca-key.pem'] as const;

export function encodeAuthorities({ root, intermediate }: Authorities): AuthorityFiles {
  return {
    'root-cert.pem': encodePem('CERTIFICATE', root.certificate.der),
    'root-key.pem': keyPem(root),
    'ca-cert.pem': encodePem('CERTIFICATE', intermediate.certificate.der),
    'ca-key.pem': keyPem(intermediate),
  };
}

/**
 * @throws {MeshError} ERR_STORE when the set is partial or inconsistent; signing with half of one is
 *   worse than not starting.
 */
export function decodeAuthorities(files: Partial<AuthorityFiles>): Authorities {
  const missing = FILE_NAMES.filter((name) => !files[name]);
  if (missing.length > 0) throw broken(`it lacks ${missing.join(', ')}`);
  const root = authority(files, 'root-cert.pem', 'root-key.pem');
  const intermediate = authority(files, 'ca-cert.pem', 'ca-key.pem');
  if (!isSignedBy(intermediate.certificate, root.certificate.publicKey)) {
    throw broken('ca-cert.pem is not signed by root-cert.pem');
  }
  return { root, intermediate };
}

export const authorityCodec: SlotCodec<Authorities> = {
  encode: (authorities) => ({ ...encodeAuthorities(authorities) }),
  decode: (files) => decodeAuthorities(files as Partial<AuthorityFiles>),
};

function authority(
  files: Partial<AuthorityFiles>,
  certificateName: keyof AuthorityFiles,
  keyName: keyof AuthorityFiles,
): Authority {
  const [der] = decodePem(files[certificateName] ?? '', 'CERTIFICATE', { maxBlocks: 1 });
  if (der === undefined) throw broken(`${certificateName} holds no certificate`);
  const certificate = parseCertificate(der);
  const privateKey = createPrivateKey(files[keyName] ?? '');
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  if (!spki.equals(certificate.spkiDer))
    throw broken(`${keyName} is not the key of ${certificateName}`);
  if (!certificate.isCa) throw broken(`${certificateName} is not a CA certificate`);
  return { certificate, privateKey };
}

function keyPem({ privateKey }: Authority): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function broken(reason: string): MeshError {
  return new MeshError(
    'ERR_STORE',
    `the stored signing authority cannot be used: ${reason}; restore the data directory from a backup`,
  );
}
