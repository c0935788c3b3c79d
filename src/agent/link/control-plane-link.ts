import type { Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { MeshError } from '../../lib/errors.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { spiffeIdOf } from '../../spiffe/verify-peer.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { encodePem } from '../../x509/pem.ts';
import { addressText, type ControlPlaneAddress } from './control-plane-address.ts';
import { LinkSession } from './link-session.ts';

export interface LinkOptions {
  readonly address: ControlPlaneAddress;
  readonly bundle: TrustBundle;
  /** Proves who we are; undefined while enrolling. */
  readonly identity: Identity | undefined;
  /** The namespace that the control plane's own identity is in. */
  readonly rootNamespace: string;
}

/** One connection to the control plane, opened at the first call. */
export interface ControlPlaneLink {
  readonly transport: Transport;
  close(): void;
}

/** The service account of every control plane. */
const ACCOUNT = 'hauberk';
const LARGEST_MESSAGE_BYTES = 32 * 1024 * 1024;

/** One gRPC connection over TLS 1.3, the server checked by its SPIFFE ID against the bundle. */
export function controlPlaneLink(options: LinkOptions): ControlPlaneLink {
  const { address, bundle, identity, rootNamespace } = options;
  const expected = `${bundle.trustDomain.id}/ns/${rootNamespace}/sa/${ACCOUNT}`;
  const baseUrl = `https://${addressText(address)}`;
  const sessionManager = new LinkSession(baseUrl, {
    ca: bundle.toPem(),
    minVersion: 'TLSv1.3',
    checkServerIdentity: (_host, { raw }) => refusal(raw, expected),
    ...(identity === undefined ? {} : clientSecrets(identity)),
  });
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    readMaxBytes: LARGEST_MESSAGE_BYTES,
    // Compressing is paid per subscriber on the other side, and facts are small.
    acceptCompression: [],
  });
  return { transport, close: () => sessionManager.close() };
}

function refusal(leafDer: Uint8Array, expected: string): Error | undefined {
  const presented = spiffeIdOf(parseCertificate(leafDer)).toString();
  if (presented === expected) return undefined;
  return new MeshError('ERR_PATH', `the control plane is "${presented}", expected "${expected}"`);
}

function clientSecrets({ svid }: Identity): { readonly key: string; readonly cert: string } {
  return {
    key: svid.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: svid.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
  };
}
