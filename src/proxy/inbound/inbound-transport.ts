import type { MtlsMode } from '../../policy/effective-peer-authentication.ts';
import type { DeclaredProtocol } from '../../policy/upstream/declared-protocol.ts';
import type { ClientHello } from './client-hello.ts';

/** What a connection to a workload port began with. */
export type FirstBytes =
  | { readonly kind: 'plaintext' }
  /** Nothing came in time: the client waits for the server to speak first. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'tls'; readonly hello: ClientHello };

/**
 * What is done with it. `refused` means that only mutual TLS may be spoken on the port, `unexpected-tls`
 * that plain HTTP is, and mutual TLS of the mesh if that.
 */
export type InboundTransport =
  | 'istio-mtls'
  | 'passthrough'
  | 'plaintext'
  | 'refused'
  | 'unexpected-tls';

const ISTIO_ALPN: ReadonlySet<string> = new Set([
  'istio-peer-exchange',
  'istio',
  'istio-http/1.0',
  'istio-http/1.1',
  'istio-h2',
]);

/**
 * Istio's table of inbound filter chains (istio-semantics 1.2 and 1.3). Under DISABLE bytes are just
 * bytes; under PERMISSIVE only a client that offers one of Istio's protocols is asked for a
 * certificate, other TLS belongs to the application; under STRICT all TLS is the mesh's. A port that
 * is declared to speak HTTP has no use for TLS that is not the mesh's.
 */
export function inboundTransport(
  mode: MtlsMode,
  protocol: DeclaredProtocol,
  first: FirstBytes,
): InboundTransport {
  const foreign = protocol === 'http' ? 'unexpected-tls' : 'passthrough';
  switch (mode) {
    case 'DISABLE':
      return first.kind === 'tls' && protocol === 'http' ? 'unexpected-tls' : 'plaintext';
    case 'PERMISSIVE':
      if (first.kind !== 'tls') return 'plaintext';
      return first.hello.alpn.some((name) => ISTIO_ALPN.has(name)) ? 'istio-mtls' : foreign;
    case 'STRICT':
      return first.kind === 'tls' ? 'istio-mtls' : 'refused';
  }
}
