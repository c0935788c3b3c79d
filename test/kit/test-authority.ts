import { randomBytes } from 'node:crypto';
import type { Identity } from '../../src/spiffe/identity.ts';
import { SpiffeId } from '../../src/spiffe/spiffe-id.ts';
import { TrustBundle } from '../../src/spiffe/trust-bundle.ts';
import { TrustDomain } from '../../src/spiffe/trust-domain.ts';
import type { X509Svid } from '../../src/spiffe/x509-svid.ts';
import {
  buildCertificate,
  type CertificateSigner,
  type CertificateTemplate,
} from '../../src/x509/build-certificate.ts';
import type { Certificate } from '../../src/x509/certificate.ts';
import { generateKeyPair, type KeyAlgorithm, type KeyPair } from '../../src/x509/key-pair.ts';
import { encodePem } from '../../src/x509/pem.ts';

const HOUR_MS = 3_600_000;

export interface TestAuthorityOptions {
  /** Default `cluster.local`. */
  readonly trustDomain?: string;
  /** The time it lives in. Default the machine's, so that real TLS accepts its certificates. */
  readonly nowMs?: number;
  /** Of all keys. Default `ecdsa-p256`. */
  readonly algorithm?: KeyAlgorithm;
}

/** Whatever differs from a good SVID; rules are not checked, so wrong ones can be made too. */
export type IssueOptions = Partial<Omit<CertificateTemplate, 'publicKey'>> & {
  /** The workload's keys. Default: new ones. */
  readonly keys?: KeyPair;
  /** Who signs. Default the intermediate. */
  readonly signer?: CertificateSigner;
};

/** PEM as `node:tls` takes it. */
export interface TlsPems {
  readonly key: string;
  /** Leaf and intermediate. */
  readonly cert: string;
  /** The root. */
  readonly ca: string;
}

/** A small CA for tests: a root of ten years, an intermediate of one, leafs of 24 hours. */
export interface TestAuthority {
  readonly trustDomain: TrustDomain;
  readonly root: Certificate;
  readonly rootSigner: CertificateSigner;
  readonly intermediate: Certificate;
  readonly intermediateSigner: CertificateSigner;
  /** Signs the JWT-SVIDs that the bundle has the key of. */
  readonly jwtSigner: { readonly keyId: string; readonly privateKey: KeyPair['privateKey'] };
  readonly bundle: TrustBundle;
  /** An SVID whose chain is leaf, intermediate. */
  issue(spiffeId: string, options?: IssueOptions): X509Svid;
  identity(spiffeId: string, options?: IssueOptions): Identity;
  pems(svid: X509Svid): TlsPems;
}

export function testAuthority(options: TestAuthorityOptions = {}): TestAuthority {
  const { nowMs = Date.now(), algorithm = 'ecdsa-p256' } = options;
  const trustDomain = TrustDomain.parse(options.trustDomain ?? 'cluster.local');
  const rootSigner = authority({ trustDomain, nowMs, algorithm, name: 'test root', years: 10 });
  const intermediateSigner = authority({
    ...{ trustDomain, nowMs, algorithm, name: 'test intermediate', years: 1 },
    issuer: rootSigner,
  });
  const jwtKeys = generateKeyPair();
  const bundle = TrustBundle.of(trustDomain, [rootSigner.certificate], {
    sequence: 1,
    jwtAuthorities: [{ keyId: 'jwt', publicKey: jwtKeys.publicKey }],
  });

  function issue(spiffeId: string, issueOptions: IssueOptions = {}): X509Svid {
    const {
      keys = generateKeyPair(algorithm),
      signer = intermediateSigner,
      ...rest
    } = issueOptions;
    const leaf = buildCertificate(
      {
        serial: newSerial(),
        subject: [],
        notBeforeMs: nowMs - 2 * 60_000,
        notAfterMs: nowMs + 24 * HOUR_MS,
        publicKey: keys.publicKey,
        isCa: false,
        keyUsage: ['digitalSignature', 'keyEncipherment'],
        extendedKeyUsage: ['serverAuth', 'clientAuth'],
        uriSans: [spiffeId],
        ...rest,
      },
      signer,
    );
    const above = signer === rootSigner ? [] : [signer.certificate ?? []].flat();
    return { id: SpiffeId.parse(spiffeId), chain: [leaf, ...above], privateKey: keys.privateKey };
  }

  return {
    trustDomain,
    root: rootSigner.certificate,
    rootSigner,
    intermediate: intermediateSigner.certificate,
    intermediateSigner,
    jwtSigner: { keyId: 'jwt', privateKey: jwtKeys.privateKey },
    bundle,
    issue,
    identity: (spiffeId, issueOptions) => ({
      svid: issue(spiffeId, issueOptions),
      bundle,
      issuedAtMs: nowMs,
    }),
    pems: (svid) => ({
      key: svid.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      cert: svid.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      ca: bundle.toPem(),
    }),
  };
}

interface AuthorityOptions {
  readonly trustDomain: TrustDomain;
  readonly nowMs: number;
  readonly algorithm: KeyAlgorithm;
  readonly name: string;
  readonly years: number;
  readonly issuer?: CertificateSigner;
}

function authority(options: AuthorityOptions): CertificateSigner & { certificate: Certificate } {
  const { trustDomain, nowMs, algorithm, name, years, issuer } = options;
  const keys = generateKeyPair(algorithm);
  const serial = newSerial();
  const certificate = buildCertificate(
    {
      serial,
      // Each CA has a name of its own, or path building would have to guess.
      subject: [
        { type: 'O', value: trustDomain.name.slice(0, 64) },
        { type: 'CN', value: name },
        { type: 'serialNumber', value: Buffer.from(serial).toString('hex') },
      ],
      notBeforeMs: nowMs - HOUR_MS,
      notAfterMs: nowMs + years * 365 * 24 * HOUR_MS,
      publicKey: keys.publicKey,
      isCa: true,
      keyUsage: ['keyCertSign', 'cRLSign'],
      uriSans: [trustDomain.id],
    },
    issuer ?? { certificate: undefined, privateKey: keys.privateKey },
  );
  return { certificate, privateKey: keys.privateKey };
}

/** 128 random bits, never zero. */
function newSerial(): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) | 0x40;
  return serial;
}
