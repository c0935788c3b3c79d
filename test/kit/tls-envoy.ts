import type { Address } from '../../src/proxy/address.ts';
import { Envoy } from './envoy.ts';
import { LOOPBACK } from './proxy-pair.ts';
import type { TlsPems } from './test-authority.ts';

/** TLS of one of Envoy's sides; its certificates are in the configuration itself. */
export interface EnvoyTls {
  /** What it shows. Default nothing. */
  readonly own?: TlsPems;
  /** PEM of whom it believes. Default everybody. */
  readonly trusted?: string;
  readonly alpn?: readonly string[];
  /** Default Envoy's own. */
  readonly curves?: readonly string[];
}

/** A listener that passes bytes on. */
export interface EnvoyRoute {
  readonly to: Address;
  /** What it speaks to those who connect; plaintext without. */
  readonly from?: EnvoyTls;
  /** What it speaks to whom it connects to; plaintext without. */
  readonly onward?: EnvoyTls;
}

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const TCP = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

/** A real Envoy with a listener of each name, on a free port. */
export function tlsEnvoy(
  binary: string,
  routes: Readonly<Record<string, EnvoyRoute>>,
): Promise<Envoy> {
  return Envoy.run(binary, (adminPath) => ({
    admin: { address: { pipe: { path: adminPath } } },
    static_resources: {
      listeners: Object.entries(routes).map(([name, { from }]) => listener(name, from)),
      clusters: Object.entries(routes).map(([name, route]) => cluster(name, route)),
    },
  }));
}

function listener(name: string, tls: EnvoyTls | undefined): object {
  const proxy = { '@type': TCP, stat_prefix: name, cluster: name };
  const chain = { filters: [{ name: 'tcp', typed_config: proxy }] };
  return {
    ...{ name, stat_prefix: name },
    address: { socket_address: { address: LOOPBACK, port_value: 0 } },
    filter_chains: [{ ...chain, ...(tls && { transport_socket: socket('Downstream', tls) }) }],
  };
}

function cluster(name: string, { to, onward }: EnvoyRoute): object {
  const address = { socket_address: { address: to.host, port_value: to.port } };
  return {
    ...{ name, type: 'STATIC', connect_timeout: '5s' },
    ...(onward && { transport_socket: socket('Upstream', onward) }),
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
  };
}

function socket(side: 'Upstream' | 'Downstream', tls: EnvoyTls): object {
  const { own, trusted, alpn = [], curves = [] } = tls;
  const inline = (text: string): object => ({ inline_string: text });
  const shown = own && { certificate_chain: inline(own.cert), private_key: inline(own.key) };
  const common = {
    alpn_protocols: alpn,
    tls_params: { tls_maximum_protocol_version: 'TLSv1_3', ecdh_curves: curves },
    ...(shown && { tls_certificates: [shown] }),
    ...(trusted && { validation_context: { trusted_ca: inline(trusted) } }),
  };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TLS}.${side}TlsContext`,
      common_tls_context: common,
      ...(side === 'Downstream' ? { require_client_certificate: trusted !== undefined } : {}),
    },
  };
}
