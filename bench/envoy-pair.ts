import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchToken } from './bench-token.ts';
import { listening } from './listening.ts';
import type { PeerMode, RequestCheck, RunningPair, StartPair } from './pair-kind.ts';
import type { Program } from './program-group.ts';
import type { Stage } from './stage.ts';

const EXTENSIONS = 'type.googleapis.com/envoy.extensions';
const MAX_CONNECTIONS = 10_000;

/** Envoy on both sides, one worker each, with its defaults where nothing is said. */
export function envoyPair(mode: PeerMode, check?: RequestCheck): StartPair {
  return (stage) => start(stage, mode, check);
}

async function start(
  stage: Stage,
  mode: PeerMode,
  check: RequestCheck | undefined,
): Promise<RunningPair> {
  const [port = 0, tlsPort = 0] = await stage.ports(2);
  const { calleeName } = stage.certificates;
  const name =
    check === undefined ? (mode === 'tcp' ? 'envoy' : 'envoy-http') : (`envoy-${check}` as const);
  const filters = await httpFilters(check);
  const callee = startEnvoy(stage, `${name}-callee`, {
    ...{ mode, from: tlsPort, to: stage.application.port, filters: filters.filters },
    downstream: tls(stage, 'DownstreamTlsContext', { require_client_certificate: true }),
  });
  const caller = startEnvoy(stage, `${name}-caller`, {
    ...{ mode, from: port, to: tlsPort, filters: [] },
    upstream: tls(stage, 'UpstreamTlsContext', { sni: calleeName }),
  });
  await listening(`${name}, the callee's,`, tlsPort, [callee]);
  await listening(`${name}, the caller's,`, port, [caller]);
  const { header } = filters;
  return { name, port, tlsPort, caller, callee, ...(header === undefined ? {} : { header }) };
}

interface Side {
  readonly mode: PeerMode;
  readonly from: number;
  readonly to: number;
  /** Before the router. */
  readonly filters: readonly object[];
  readonly downstream?: object;
  readonly upstream?: object;
}

function startEnvoy(stage: Stage, name: string, side: Side): Program {
  const { mode, from, to, filters, downstream, upstream } = side;
  const filter = mode === 'tcp' ? tcpProxy() : connectionManager(filters);
  const chain = { filters: [filter], ...(downstream ? { transport_socket: downstream } : {}) };
  const limits = { max_connections: MAX_CONNECTIONS, max_pending_requests: MAX_CONNECTIONS };
  const config = {
    static_resources: {
      listeners: [{ name, address: address(from), filter_chains: [chain] }],
      clusters: [
        {
          ...{ name: 'next', type: 'STATIC', connect_timeout: '5s' },
          circuit_breakers: { thresholds: [{ ...limits, max_requests: MAX_CONNECTIONS }] },
          load_assignment: {
            cluster_name: 'next',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(to) } }] }],
          },
          ...(upstream ? { transport_socket: upstream } : {}),
        },
      ],
    },
  };
  const file = join(stage.directory, `${name}.json`);
  writeFileSync(file, JSON.stringify(config));
  const { tools, programs, environment } = stage;
  const args = ['-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'warn'];
  return programs.start({ name, command: tools.envoy, args, env: environment });
}

function address(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function tcpProxy(): object {
  const type = `${EXTENSIONS}.filters.network.tcp_proxy.v3.TcpProxy`;
  return {
    name: 'tcp',
    typed_config: { '@type': type, ...{ stat_prefix: 'tcp', cluster: 'next' } },
  };
}

function connectionManager(filters: readonly object[]): object {
  const network = `${EXTENSIONS}.filters.network.http_connection_manager.v3`;
  const router = `${EXTENSIONS}.filters.http.router.v3.Router`;
  const route = { match: { prefix: '/' }, route: { cluster: 'next', timeout: '0s' } };
  return {
    name: 'http',
    typed_config: {
      '@type': `${network}.HttpConnectionManager`,
      stat_prefix: 'http',
      route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [route] }] },
      http_filters: [
        ...filters,
        { name: 'envoy.filters.http.router', typed_config: { '@type': router } },
      ],
    },
  };
}

function tls({ certificates }: Stage, kind: string, more: object): object {
  const { ca, caller, callee, calleeName } = certificates;
  const isCaller = kind === 'UpstreamTlsContext';
  const own = isCaller ? caller : callee;
  const file = (filename: string): object => ({ filename });
  const matcher = { san_type: 'DNS', matcher: { exact: calleeName } };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${EXTENSIONS}.transport_sockets.tls.v3.${kind}`,
      ...more,
      common_tls_context: {
        tls_params: { ...tls13('minimum'), ...tls13('maximum') },
        tls_certificates: [{ certificate_chain: file(own.chain), private_key: file(own.key) }],
        validation_context: {
          trusted_ca: file(ca),
          ...(isCaller ? { match_typed_subject_alt_names: [matcher] } : {}),
        },
      },
    },
  };
}

function tls13(end: 'minimum' | 'maximum'): object {
  return { [`tls_${end}_protocol_version`]: 'TLSv1_3' };
}

/** What Istio would make of `bench/requests.yaml`, or of `bench/tokens.yaml`. */
async function httpFilters(
  check: RequestCheck | undefined,
): Promise<{ readonly filters: readonly object[]; readonly header?: string }> {
  const of = (name: string, config: object): object => ({
    name,
    typed_config: { '@type': `${EXTENSIONS}.filters.http.${name}`, ...config },
  });
  switch (check) {
    case undefined:
      return { filters: [] };
    case 'rbac': {
      const header = (name: string, match: object): object => ({
        header: { name, string_match: match },
      });
      const path = (match: object): object => ({ url_path: { path: match } });
      const rules = [
        header(':method', { exact: 'GET' }),
        { or_rules: { rules: [path({ exact: '/small' }), path({ prefix: '/bulk' })] } },
      ];
      const policies = {
        bench: { permissions: [{ and_rules: { rules } }], principals: [{ any: true }] },
      };
      return { filters: [of('rbac.v3.RBAC', { rules: { action: 'ALLOW', policies } })] };
    }
    case 'jwt': {
      const { issuer, jwks, header } = await benchToken();
      const provider = {
        ...{
          issuer,
          local_jwks: { inline_string: jwks },
          jwt_cache_config: { jwt_cache_size: 100 },
        },
      };
      const requires = {
        requires_any: { requirements: [{ provider_name: 'bench' }, { allow_missing: {} }] },
      };
      const rules = [{ match: { prefix: '/' }, requires }];
      const providers = { bench: provider };
      return { filters: [of('jwt_authn.v3.JwtAuthentication', { providers, rules })], header };
    }
  }
}
