import { createPrivateKey } from 'node:crypto';
import { BACKDATE_MS, randomSerial } from '../ca/authority.ts';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';
import { buildCertificate } from '../x509/build-certificate.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { generateKeyPair } from '../x509/key-pair.ts';
import { decodePem, encodePem } from '../x509/pem.ts';
import { decodeSecretData, type Secret, secretResource } from './secret-data.ts';

const NAME = 'hauberk-api-client-ca';
const TYPE = 'hauberk.dev/api-client-ca';
const CA_LIFETIME_MS = 3_650 * 86_400_000;

/** A certificate with its key, PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  readonly notAfterMs: number;
}

/**
 * Signs the certificates of people and programs that use the resource API. It is no part of the mesh's
 * trust: no workload's certificate opens the API, and no API certificate speaks in the mesh.
 */
export interface ApiClientAuthority {
  /** PEM. */
  readonly ca: string;
  /** `name` and `groups` are what the API knows the holder as. */
  issue(client: {
    readonly name: string;
    readonly groups: readonly string[];
    readonly lifetimeMs: number;
  }): ClientCertificate;
}

/**
 * Loads the authority from its Secret in the root namespace, or makes and stores it.
 *
 * @throws {MeshError} ERR_STORE when the Secret is there and cannot be used.
 */
export async function openApiClientAuthority(
  store: Store,
  { rootNamespace, clock }: { readonly rootNamespace: string; readonly clock: Clock },
): Promise<ApiClientAuthority> {
  const key = { kind: 'Secret', namespace: rootNamespace, name: NAME };
  const stored = (await store.get(key)) as Secret | undefined;
  const usable = stored === undefined ? undefined : readAuthority(stored);
  const signer =
    usable !== undefined && usable.certificate.notAfterMs > clock.now()
      ? usable
      : makeAuthority(clock.now());
  if (signer !== usable) {
    const values = { 'ca.crt': pemOf(signer.certificate), 'ca.key': keyPem(signer.privateKey) };
    const resource = secretResource({ namespace: rootNamespace, name: NAME, type: TYPE }, values);
    await store.commit([{ op: 'put', resource }]);
  }
  return {
    ca: pemOf(signer.certificate),
    issue: ({ name, groups, lifetimeMs }) => {
      const keys = generateKeyPair();
      const nowMs = clock.now();
      const certificate = buildCertificate(
        {
          serial: randomSerial(),
          subject: [
            ...groups.map((value) => ({ type: 'O' as const, value })),
            { type: 'CN' as const, value: name },
          ],
          notBeforeMs: Math.max(nowMs - BACKDATE_MS, signer.certificate.notBeforeMs),
          notAfterMs: Math.min(nowMs + lifetimeMs, signer.certificate.notAfterMs),
          publicKey: keys.publicKey,
          isCa: false,
          keyUsage: ['digitalSignature'],
          extendedKeyUsage: ['clientAuth'],
        },
        signer,
      );
      const { notAfterMs } = certificate;
      return { cert: pemOf(certificate), key: keyPem(keys.privateKey), notAfterMs };
    },
  };
}

interface Signer {
  readonly certificate: Certificate;
  readonly privateKey: ReturnType<typeof createPrivateKey>;
}

function makeAuthority(nowMs: number): Signer {
  const keys = generateKeyPair();
  const certificate = buildCertificate(
    {
      serial: randomSerial(),
      subject: [{ type: 'CN', value: 'Hauberk API clients' }],
      notBeforeMs: nowMs - BACKDATE_MS,
      notAfterMs: nowMs + CA_LIFETIME_MS,
      publicKey: keys.publicKey,
      isCa: true,
      pathLength: 0,
      keyUsage: ['keyCertSign', 'cRLSign'],
    },
    { certificate: undefined, privateKey: keys.privateKey },
  );
  return { certificate, privateKey: keys.privateKey };
}

function readAuthority(secret: Secret): Signer {
  const { 'ca.crt': cert = '', 'ca.key': key = '' } = decodeSecretData(secret);
  try {
    const [der] = decodePem(cert, 'CERTIFICATE');
    if (der === undefined) throw new MeshError('ERR_DER', 'there is no certificate in ca.crt');
    return { certificate: parseCertificate(der), privateKey: createPrivateKey(key) };
  } catch (cause) {
    // The cause may quote the key.
    throw new MeshError(
      'ERR_STORE',
      `the Secret "${NAME}" is no API client authority; delete it with the control plane's backup at hand, and a new one is made: ${MeshError.is(cause) ? cause.message : 'its key cannot be read'}`,
    );
  }
}

function pemOf({ der }: Certificate): string {
  return encodePem('CERTIFICATE', der);
}

function keyPem(key: Signer['privateKey']): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
