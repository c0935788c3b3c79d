import { type Address, formatAddress } from '../../src/proxy/address.ts';
import type { X509Svid } from '../../src/spiffe/x509-svid.ts';
import { Envoy } from './envoy.ts';
import { LOOPBACK } from './proxy-pair.ts';
import type { TestAuthority } from './test-authority.ts';

/** What an Envoy on either end of HBONE is made of. */
export interface HboneEnvoyOptions {
  readonly binary: string;
  readonly authority: TestAuthority;
  readonly svid: X509Svid;
  /** SPIFFE ID that the other end must prove. */
  readonly peerId: string;
}

const API = 'type.googleapis.com/envoy';
const EXTENSIONS = `${API}.extensions`;
const TCP_PROXY = `${EXTENSIONS}.filters.network.tcp_proxy.v3.TcpProxy`;
const CONNECTION_MANAGER = `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`;

/**
 * An Envoy that brings connections to `authority` through the HBONE port of a sidecar, as Istio's
 * waypoints do: by an internal listener that makes a CONNECT of each. Its listener is `egress`.
 */
export function startCallingEnvoy(
  options: HboneEnvoyOptions & { readonly hbone: Address; readonly target: Address },
): Promise<Envoy> {
  const { hbone, target } = options;
  const internal = `${EXTENSIONS}.bootstrap.internal_listener.v3.InternalListener`;
  const tunneled = {
    ...{ stat_prefix: 'tunnel', cluster: 'hbone' },
    tunneling_config: { hostname: formatAddress(target) },
  };
  return Envoy.run(options.binary, (adminPath) => ({
    ...common(adminPath),
    bootstrap_extensions: [
      { name: 'envoy.bootstrap.internal_listener', typed_config: { '@type': internal } },
    ],
    static_resources: {
      listeners: [
        listener('egress', tcpProxy({ stat_prefix: 'egress', cluster: 'tunnel' })),
        { name: 'tunnel', internal_listener: {}, filter_chains: [tcpProxy(tunneled)] },
      ],
      clusters: [
        cluster('tunnel', { envoy_internal_address: { server_listener_name: 'tunnel' } }),
        {
          ...cluster('hbone', socketAddress(hbone)),
          ...http2Upstream(),
          transport_socket: tls('UpstreamTlsContext', options),
        },
      ],
    },
  }));
}

/** An Envoy that ends CONNECT streams and brings them to `app`. Its listener is `ingress`. */
export function startServingEnvoy(
  options: HboneEnvoyOptions & { readonly app: Address },
): Promise<Envoy> {
  const upgrade = { upgrade_type: 'CONNECT' };
  const route = {
    match: { connect_matcher: {} },
    route: { cluster: 'app', upgrade_configs: [{ ...upgrade, connect_config: {} }] },
  };
  const manager = {
    '@type': CONNECTION_MANAGER,
    ...{ stat_prefix: 'ingress', codec_type: 'HTTP2', upgrade_configs: [upgrade] },
    http2_protocol_options: { allow_connect: true },
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [route] }] },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': `${EXTENSIONS}.filters.http.router.v3.Router` },
      },
    ],
  };
  const chain = {
    filters: [{ name: 'http', typed_config: manager }],
    transport_socket: tls('DownstreamTlsContext', options),
  };
  return Envoy.run(options.binary, (adminPath) => ({
    ...common(adminPath),
    static_resources: {
      listeners: [listener('ingress', chain)],
      clusters: [cluster('app', socketAddress(options.app))],
    },
  }));
}

function common(adminPath: string): object {
  return {
    node: { id: 'envoy-of-a-test', cluster: 'test' },
    admin: { address: { pipe: { path: adminPath } } },
  };
}

function listener(name: string, chain: object): object {
  return {
    ...{ name, filter_chains: [chain] },
    address: socketAddress({ host: LOOPBACK, port: 0 }),
  };
}

function tcpProxy(config: object): object {
  return { filters: [{ name: 'tcp', typed_config: { '@type': TCP_PROXY, ...config } }] };
}

function cluster(name: string, address: object): object {
  return {
    ...{ name, type: 'STATIC', connect_timeout: '5s' },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
  };
}

function http2Upstream(): object {
  const name = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const options = { explicit_http_config: { http2_protocol_options: {} } };
  return {
    typed_extension_protocol_options: {
      [name]: { '@type': `type.googleapis.com/${name}`, ...options },
    },
  };
}

function socketAddress({ host, port }: Address): object {
  return { socket_address: { address: host, port_value: port } };
}

function tls(kind: string, { authority, svid, peerId }: HboneEnvoyOptions): object {
  const { key, cert, ca } = authority.pems(svid);
  const inline = (text: string): object => ({ inline_string: text });
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${EXTENSIONS}.transport_sockets.tls.v3.${kind}`,
      ...(kind === 'DownstreamTlsContext' ? { require_client_certificate: true } : {}),
      common_tls_context: {
        alpn_protocols: ['h2'],
        tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
        tls_certificates: [{ certificate_chain: inline(cert), private_key: inline(key) }],
        validation_context: {
          trusted_ca: inline(ca),
          match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: peerId } }],
        },
      },
    },
  };
}
