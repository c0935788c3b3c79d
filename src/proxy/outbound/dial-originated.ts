import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { MeshError, messageOf } from '../../lib/errors.ts';
import type { OriginatedTls } from '../../policy/upstream/effective-client-tls.ts';
import type { Address } from '../address.ts';
import type { Channel } from '../bytes/channel.ts';
import { localAddress } from '../bytes/socket-addresses.ts';
import { tlsChannel } from '../bytes/socket-channel.ts';
import type { Deadlines } from '../deadlines.ts';
import type { TlsFacts } from '../proxy-events.ts';
import type { PartialEnds, Reporter } from '../reporter.ts';
import { lostConnection } from '../tls/handshake.ts';
import {
  failedHandshake,
  type HandshakeVerdict,
  presentedCertificate,
  verdictOf,
} from '../tls/handshake-record.ts';
import { offTheStack } from '../tls/off-the-stack.ts';
import { tlsFactsOf } from '../tls/peer.ts';
import { hasServerName, presentedNames } from '../tls/server-names.ts';
import type { TlsMaterial, TlsMaterials } from '../tls/tls-material.ts';
import { cipherList, keyExchangeGroups } from '../tls/tls-profile.ts';
import { whenRefused } from '../tls/when-refused.ts';

/** A server that is spoken to by TLS as a DestinationRule says, with SIMPLE or MUTUAL. */
export interface OriginatedTarget {
  readonly address: Address;
  /** The service it is called for. */
  readonly service: Address;
  readonly tls: OriginatedTls;
  /** Connected; it is closed when the handshake fails. */
  readonly raw: Socket;
}

export interface OriginatedConnection {
  readonly channel: Channel;
  readonly tls: TlsFacts;
}

/** @throws {MeshError} ERR_UNREACHABLE when it was lost, ERR_UNAUTHENTICATED; once reported; or ERR_NOT_FOUND for a file that is missing. */
export type OriginatedDialer = (target: OriginatedTarget) => Promise<OriginatedConnection>;

export interface OriginatedDialOptions {
  readonly materials: TlsMaterials;
  readonly reporter: Reporter;
  readonly handshakeDeadlines: Deadlines;
}

/** One TLS connection per connection, to servers that need not know of the mesh. */
export function originatedDialer(options: OriginatedDialOptions): OriginatedDialer {
  return async ({ address, service, tls, raw }) => {
    const ends: PartialEnds = {
      ...{ direction: 'outbound', source: localAddress(raw), destination: address },
      ...{ service, transport: 'tls' },
    };
    const failed = (reason: string, verdict: HandshakeVerdict): void => {
      options.reporter.handshakeFailed(ends, {
        ...{ expectedIds: tls.names, reason, ownSerial: undefined, verdict },
        ...presentedCertificate(undefined),
      });
    };
    try {
      const material = await options.materials.of(tls);
      const socket = await handshake(raw, connectionOptions(tls, material), options);
      checkName(socket, tls);
      whenRefused(socket, (why) => {
        const shown = tls.credential === undefined ? 'none was shown' : 'of the DestinationRule';
        const reason = `the server cut the connection after the TLS handshake, before its first byte (${why}); it may want another certificate (${shown})`;
        failed(reason, 'ERR_UNREACHABLE');
      });
      return { channel: tlsChannel(socket, raw), tls: tlsFactsOf(socket) };
    } catch (error) {
      raw.destroy();
      if (MeshError.is(error, 'ERR_NOT_FOUND')) throw error;
      const reason = messageOf(error);
      failed(reason, verdictOf(error));
      throw failedHandshake(verdictOf(error), reason, error);
    }
  };
}

function connectionOptions(tls: OriginatedTls, material: TlsMaterial): ConnectionOptions {
  const { cert, key, ca, crl } = material;
  const { minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3', cipherSuites, ecdhCurves } = tls.bounds;
  return {
    ...(cert === undefined ? {} : { cert, key }),
    ...(ca === undefined ? {} : { ca: [ca].flat() }),
    ...(crl === undefined ? {} : { crl }),
    ...(cipherSuites.length === 0 ? {} : { ciphers: cipherList(cipherSuites) }),
    ...{ minVersion, maxVersion, ecdhCurve: keyExchangeGroups(ecdhCurves) },
    servername: tls.sni ?? '',
    rejectUnauthorized: ca !== undefined,
    // Names are compared below, as rules mean them.
    checkServerIdentity: () => undefined,
  };
}

function handshake(
  raw: Socket,
  connection: ConnectionOptions,
  { handshakeDeadlines }: OriginatedDialOptions,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...connection, socket: raw });
    const deadline = handshakeDeadlines.set(() =>
      reject(
        new MeshError('ERR_UNREACHABLE', 'the server did not finish the TLS handshake in time'),
      ),
    );
    socket.once('secureConnect', () => {
      deadline.cancel();
      offTheStack(() => resolve(socket));
    });
    socket.on('error', (error) => {
      deadline.cancel();
      reject(explained(error));
    });
    socket.once('close', () => {
      deadline.cancel();
      reject(
        new MeshError(
          'ERR_UNREACHABLE',
          'the server ended the connection during the TLS handshake',
        ),
      );
    });
  });
}

/** What Node says, and what to look at. */
function explained(error: Error): Error {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const hint = HINTS.get(code);
  if (hint === undefined) return lostConnection(error) ?? error;
  return new MeshError('ERR_UNAUTHENTICATED', `${error.message} (${code}): ${hint}`, {
    cause: error,
  });
}

const UNKNOWN_AUTHORITY =
  "the authorities that the DestinationRule trusts have not signed the server's certificate; see caCertificates";
const HINTS: ReadonlyMap<string, string> = new Map([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNKNOWN_AUTHORITY],
  ['UNABLE_TO_GET_ISSUER_CERT', UNKNOWN_AUTHORITY],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNKNOWN_AUTHORITY],
  ['SELF_SIGNED_CERT_IN_CHAIN', UNKNOWN_AUTHORITY],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', UNKNOWN_AUTHORITY],
  ['CERT_HAS_EXPIRED', "the server's certificate has run out, by the clock of this machine"],
  ['CERT_NOT_YET_VALID', "the server's certificate is not valid yet, by the clock of this machine"],
  ['CERT_REVOKED', "the server's certificate is in the list of caCrl"],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'the server answers without TLS; see the mode of the rule'],
]);

function checkName(socket: TLSSocket, { names, authorities }: OriginatedTls): void {
  if (authorities.from === 'nobody') return;
  const certificate = socket.getPeerX509Certificate();
  if (certificate !== undefined && hasServerName(certificate, names)) return;
  const shown = certificate === undefined ? 'no certificate' : presentedNames(certificate);
  throw new MeshError(
    'ERR_UNAUTHENTICATED',
    `the server's certificate is for ${shown} and not for "${names.join('" or "')}"; set subjectAltNames in the DestinationRule if that is meant`,
  );
}
