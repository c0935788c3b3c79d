import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import { buildCertificate } from '../x509/build-certificate.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { generateKeyPair } from '../x509/key-pair.ts';
import { validatePath } from '../x509/path.ts';
import { decodePem } from '../x509/pem.ts';
import { type Authority, randomSerial } from './authority.ts';
import type { PluggedInFiles } from './plugged-in-files.ts';

/** An intermediate that somebody else's CA has signed, and what leads from it to the root. */
export interface SigningChain {
  readonly signer: Authority;
  /** Between signer and root, nearest first. */
  readonly above: readonly Certificate[];
  /** The root that the chain leads to, then the others that are to be trusted. */
  readonly roots: readonly [Certificate, ...Certificate[]];
}

const MOST_CERTIFICATES = 8;

/**
 * Reads a plug-in CA. Whether it is consistent is asked of what matters: a trial SVID signed by it
 * must validate to one of its roots, for servers and clients, at some time; that it may have
 * expired by now is for the authority to say when it is asked to sign.
 *
 * @throws {MeshError} ERR_STORE with the reason why mesh and peers would not accept what it signs.
 */
export function decodeSigningChain(
  files: PluggedInFiles,
  { trustDomain, nowMs }: { readonly trustDomain: TrustDomain; readonly nowMs: number },
): SigningChain {
  const [certificate, ...more] = certificatesOf(files, 'ca-cert.pem');
  if (certificate === undefined || more.length > 0) {
    refuse(
      `ca-cert.pem holds ${more.length + 1} certificates; those above it go into cert-chain.pem`,
    );
  }
  const chain = certificatesOf(files, 'cert-chain.pem');
  const roots = certificatesOf(files, 'root-cert.pem');
  const signer = { certificate, privateKey: keyOf(files['ca-key.pem'], certificate) };
  checkTrustDomain(certificate, trustDomain);
  if (roots.some((root) => sameCertificate(root, certificate))) {
    refuse(
      'ca-cert.pem is the root itself; let it sign an intermediate and keep its key elsewhere',
    );
  }
  const path = pathOf(trialSvid(signer, trustDomain), { certificate, chain, roots, nowMs });
  const [, first, ...rest] = path;
  const root = rest.pop();
  if (first === undefined || root === undefined || !sameCertificate(first, certificate)) {
    refuse('what it signs leads to a root past ca-cert.pem; two certificates share its name');
  }
  const others = roots.filter((other) => !sameCertificate(other, root));
  return { signer, above: rest, roots: [root, ...others] };
}

/** When the first certificate of the chain ends. */
export function chainEndsAtMs({ signer, above, roots: [root] }: SigningChain): number {
  return Math.min(...[signer.certificate, ...above, root].map(({ notAfterMs }) => notAfterMs));
}

type CertificateFile = 'ca-cert.pem' | 'cert-chain.pem' | 'root-cert.pem';

function certificatesOf(files: PluggedInFiles, name: CertificateFile): Certificate[] {
  try {
    const blocks = decodePem(files[name], 'CERTIFICATE', { maxBlocks: MOST_CERTIFICATES });
    return blocks.map(parseCertificate);
  } catch (error) {
    return refuse(`${name}: ${messageOf(error)}`, error);
  }
}

function keyOf(pem: string, certificate: Certificate): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    return refuse('ca-key.pem is not an unencrypted private key in PEM', cause);
  }
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  if (!spki.equals(certificate.spkiDer)) refuse('ca-key.pem is not the key of ca-cert.pem');
  return key;
}

function checkTrustDomain({ uriSans }: Certificate, trustDomain: TrustDomain): void {
  const foreign = uriSans.find(
    (uri) => uri.startsWith('spiffe:') && uri.split('/')[2] !== trustDomain.name,
  );
  if (foreign === undefined) return;
  refuse(`ca-cert.pem belongs to "${foreign}", this mesh is trust domain "${trustDomain.name}"`);
}

/** Of nobody's key, kept nowhere; it lives as long as its signer. */
function trialSvid(signer: Authority, trustDomain: TrustDomain): Certificate {
  const { notBeforeMs, notAfterMs, isCa } = signer.certificate;
  if (!isCa) refuse('ca-cert.pem is not a CA certificate (CA:true)');
  const template = {
    serial: randomSerial(),
    subject: [],
    notBeforeMs,
    notAfterMs,
    publicKey: generateKeyPair().publicKey,
    isCa: false,
    keyUsage: ['digitalSignature'] as const,
    extendedKeyUsage: ['serverAuth', 'clientAuth'] as const,
    uriSans: [`${trustDomain.id}/ns/trial/sa/trial`],
  };
  return buildCertificate(template, signer);
}

interface Material {
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly nowMs: number;
}

/** If a path is valid at any time, then at the moment in which the first of its certificates ends. */
function pathOf(leaf: Certificate, material: Material): readonly Certificate[] {
  const { certificate, chain, roots, nowMs } = material;
  const intermediates = [certificate, ...chain];
  const ends = [...intermediates, ...roots].map(({ notAfterMs }) => notAfterMs);
  let reason: unknown;
  for (const atMs of [nowMs, ...ends]) {
    try {
      const question = { leaf, intermediates, roots, nowMs: atMs };
      validatePath({ ...question, purpose: 'serverAuth' });
      return validatePath({ ...question, purpose: 'clientAuth' });
    } catch (error) {
      reason ??= error;
    }
  }
  return refuse(`an SVID that it signs would not be accepted: ${messageOf(reason)}`, reason);
}

function sameCertificate(a: Certificate, b: Certificate): boolean {
  return Buffer.compare(a.der, b.der) === 0;
}

function refuse(reason: string, cause?: unknown): never {
  throw new MeshError('ERR_STORE', `the plug-in CA cannot be used: ${reason}`, { cause });
}
