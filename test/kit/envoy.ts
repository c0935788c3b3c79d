import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../../src/proxy/address.ts';
import { eventually } from './eventually.ts';
import { LOOPBACK } from './proxy-pair.ts';

export interface EnvoyOptions {
  readonly binary: string;
  /** The agent's socket. */
  readonly sdsPath: string;
  /** How secrets are asked for. Default GRPC. */
  readonly api?: 'GRPC' | 'DELTA_GRPC';
  /** Plain in, mutual TLS out. */
  readonly egress?: { readonly to: Address; readonly trust: string };
  /** Mutual TLS in, plain out. */
  readonly ingress?: { readonly to: Address; readonly trust: string };
}

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const START_MS = 60_000;

/** A real Envoy with static listeners on free ports, whose secrets come from an agent's socket. */
export class Envoy implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #ports = new Map<string, number>();
  #log = '';

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#log = (this.#log + chunk.toString()).slice(-100_000);
    });
  }

  static start(options: EnvoyOptions): Promise<Envoy> {
    return Envoy.run(options.binary, (adminPath) => bootstrap(options, adminPath));
  }

  /** With a bootstrap of one's own, whose admin interface is that Unix socket. */
  static async run(binary: string, configOf: (adminPath: string) => object): Promise<Envoy> {
    const directory = mkdtempSync(join(tmpdir(), 'hauberk-envoy-'));
    const config = JSON.stringify(configOf(join(directory, 'admin.sock')));
    const args = ['--config-yaml', config, '--concurrency', '1', '--disable-hot-restart'];
    const child = spawn(binary, [...args, '-l', 'warn'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const envoy = new Envoy(child, directory);
    try {
      await envoy.#ready();
    } catch (error) {
      await envoy[Symbol.asyncDispose]();
      throw new Error(`Envoy did not start: ${envoy.log}`, { cause: error });
    }
    return envoy;
  }

  /** What it wrote to stderr. */
  get log(): string {
    return this.#log;
  }

  address(listener: string): Address {
    return { host: LOOPBACK, port: this.#ports.get(listener) ?? 0 };
  }

  /** Sum of the counters whose names match. */
  async counter(pattern: RegExp): Promise<number> {
    const text = await this.#admin('/stats');
    const lines = text.split('\n').map((line) => line.split(': '));
    return lines
      .filter(([name = '']) => pattern.test(name))
      .reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** Lets it stand still, as a process that hangs does, or go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    let live = false;
    const poll = async (): Promise<void> => {
      live = (await this.#admin('/ready').catch(() => '')).startsWith('LIVE');
    };
    let polling = Promise.resolve();
    await eventually(
      'Envoy is live',
      () => {
        if (this.#child.exitCode !== null) throw new Error(`it exited: ${this.#child.exitCode}`);
        polling = polling.then(poll);
        return live;
      },
      START_MS,
    );
    await polling;
    const { listener_statuses: listeners } = JSON.parse(
      await this.#admin('/listeners?format=json'),
    );
    for (const { name, local_address: local } of listeners)
      this.#ports.set(name, local.socket_address?.port_value);
  }

  #admin(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = request(
        { socketPath: join(this.#directory, 'admin.sock'), path, agent: false },
        (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
        },
      );
      asked.on('error', reject);
      asked.end();
    });
  }
}

function bootstrap(options: EnvoyOptions, adminPath: string): object {
  const { egress, ingress, sdsPath } = options;
  return {
    node: { id: 'envoy-of-a-test', cluster: 'test' },
    admin: { address: { pipe: { path: adminPath } } },
    static_resources: {
      listeners: [
        ...(egress ? [listener('egress')] : []),
        ...(ingress
          ? [listener('ingress', socket('DownstreamTlsContext', options, ingress.trust))]
          : []),
      ],
      clusters: [
        sdsCluster(sdsPath),
        ...(egress
          ? [cluster('egress', egress.to, socket('UpstreamTlsContext', options, egress.trust))]
          : []),
        ...(ingress ? [cluster('ingress', ingress.to)] : []),
      ],
    },
  };
}

function listener(name: string, transportSocket?: object): object {
  const type = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  const proxy = { '@type': type, stat_prefix: name, cluster: name };
  const filters = [{ name: 'tcp', typed_config: proxy }];
  return {
    name,
    address: { socket_address: { address: LOOPBACK, port_value: 0 } },
    filter_chains: [
      { filters, ...(transportSocket === undefined ? {} : { transport_socket: transportSocket }) },
    ],
  };
}

function cluster(name: string, to: Address, transportSocket?: object): object {
  const address = { socket_address: { address: to.host, port_value: to.port } };
  return {
    ...{ name, type: 'STATIC', connect_timeout: '5s' },
    ...(transportSocket === undefined ? {} : { transport_socket: transportSocket }),
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
  };
}

function sdsCluster(path: string): object {
  const http2 = 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return {
    ...{ name: 'sds', type: 'STATIC', connect_timeout: '1s' },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': http2,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: 'sds',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
  };
}

function socket(kind: string, options: EnvoyOptions, trust: string): object {
  const common = {
    alpn_protocols: ['istio'],
    tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificate_sds_secret_configs: [secret('default', options)],
    validation_context_sds_secret_config: secret(trust, options),
  };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TLS}.${kind}`,
      common_tls_context: common,
      ...(kind === 'DownstreamTlsContext' ? { require_client_certificate: true } : {}),
    },
  };
}

function secret(name: string, { api = 'GRPC' }: EnvoyOptions): object {
  const backOff = { base_interval: '0.1s', max_interval: '0.5s' };
  const envoyGrpc = { cluster_name: 'sds', retry_policy: { retry_back_off: backOff } };
  const source = {
    ...{ api_type: api, transport_api_version: 'V3', set_node_on_first_message_only: true },
    grpc_services: [{ envoy_grpc: envoyGrpc }],
  };
  return { name, sds_config: { resource_api_version: 'V3', api_config_source: source } };
}
