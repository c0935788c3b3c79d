import { randomBytes } from 'node:crypto';
import type { Authority } from '../../src/ca/authority.ts';
import type { PluggedInFiles } from '../../src/ca/plugged-in-files.ts';
import { buildCertificate, type CertificateTemplate } from '../../src/x509/build-certificate.ts';
import { generateKeyPair, type KeyAlgorithm } from '../../src/x509/key-pair.ts';
import { encodePem } from '../../src/x509/pem.ts';

const DAY_MS = 86_400_000;

export interface OwnCaOptions extends Partial<Omit<CertificateTemplate, 'publicKey'>> {
  readonly name: string;
  readonly nowMs: number;
  readonly algorithm?: KeyAlgorithm;
  /** Default: self-signed. */
  readonly issuer?: Authority;
}

/** A CA as an operator's own PKI would make it; it knows nothing of SPIFFE. Default one year. */
export function ownCa(options: OwnCaOptions): Authority {
  const { name, nowMs, algorithm, issuer, ...rest } = options;
  const keys = generateKeyPair(algorithm);
  const certificate = buildCertificate(
    {
      serial: Uint8Array.of(1, ...randomBytes(8)),
      subject: [
        { type: 'O', value: 'Example' },
        { type: 'CN', value: name },
      ],
      notBeforeMs: nowMs - DAY_MS,
      notAfterMs: nowMs + 365 * DAY_MS,
      publicKey: keys.publicKey,
      isCa: true,
      keyUsage: ['keyCertSign', 'cRLSign'],
      ...rest,
    },
    { certificate: issuer?.certificate, privateKey: issuer?.privateKey ?? keys.privateKey },
  );
  return { certificate, privateKey: keys.privateKey };
}

/** The files of a plug-in CA: `chain` is signer, what is above it, root. */
export function pluggedInCa(chain: readonly [Authority, ...Authority[]]): PluggedInFiles {
  const [signer] = chain;
  const root = chain.at(-1) ?? signer;
  const pem = ({ certificate }: Authority): string => encodePem('CERTIFICATE', certificate.der);
  return {
    'ca-cert.pem': pem(signer),
    'ca-key.pem': signer.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'root-cert.pem': pem(root),
    'cert-chain.pem': chain.slice(0, -1).map(pem).join(''),
  };
}
