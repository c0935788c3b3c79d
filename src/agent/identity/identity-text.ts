import { createPrivateKey } from 'node:crypto';
import { MeshError } from '../../lib/errors.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { parseX509Svid } from '../../spiffe/x509-svid.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { decodePem, encodePem } from '../../x509/pem.ts';

/**
 * An Identity as JSON, private key included. It exists for one purpose: a sidecar hands its
 * identity to its successor over a private Unix socket. It is never written to a file.
 */
export interface IdentityText {
  readonly chain: string;
  readonly privateKey: string;
  readonly bundle: string;
  /** Of other trust domains: each as SPIFFE JSON, by name. */
  readonly federated?: Readonly<Record<string, string>>;
  readonly issuedAtMs: number;
}

export function encodeIdentity(identity: Identity): IdentityText {
  const { svid, bundle, federated = [], issuedAtMs } = identity;
  return {
    chain: svid.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    privateKey: svid.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    bundle: bundle.toPem(),
    federated: Object.fromEntries(federated.map((each) => [each.trustDomain.name, each.toJwks()])),
    issuedAtMs,
  };
}

/** @throws {MeshError} ERR_WIRE, ERR_DER or ERR_SVID when it is not what encodeIdentity makes. */
export function decodeIdentity(text: Partial<IdentityText>): Identity {
  const { chain, privateKey, bundle, federated = {}, issuedAtMs } = text;
  if (!chain || !privateKey || !bundle || typeof issuedAtMs !== 'number') {
    throw new MeshError('ERR_WIRE', 'the handed-over identity is not complete');
  }
  const svid = parseX509Svid({
    chain: decodePem(chain, 'CERTIFICATE').map((der) => parseCertificate(der)),
    privateKey: createPrivateKey(privateKey),
  });
  return {
    ...{ svid, issuedAtMs },
    bundle: TrustBundle.parsePem(svid.id.trustDomain, bundle),
    federated: Object.entries(federated).map(([name, json]) =>
      TrustBundle.parseJwks(TrustDomain.parse(name), json),
    ),
  };
}
