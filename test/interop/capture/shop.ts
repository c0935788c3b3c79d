import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStatus } from '../../../src/app/sidecar/sidecar-socket.ts';
import type { SidecarStatus } from '../../../src/app/sidecar/sidecar-status.ts';
import {
  type Finished,
  type Host,
  insist,
  Network,
  type Running,
} from '../../kit/network-hosts.ts';

/** The group as which the sidecars run, so that the rules know them. */
export const PROXY_GID = 1337;
/** The user whose programs are captured. */
export const APP_UID = 1000;
const PATIENCE_MS = 90_000;

const RESOURCES = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: web, namespace: shop, labels: { app: web } }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: backend, namespace: shop, labels: { app: backend } }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reviews, namespace: shop, labels: { app: reviews } }
---
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: products, namespace: shop }
spec: { selector: { app: backend }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: cache, namespace: shop }
spec: { selector: { app: backend }, ports: [{ name: tcp-redis, port: 6379 }] }
---
apiVersion: v1
kind: Service
metadata: { name: db, namespace: shop }
spec: { selector: { app: backend }, ports: [{ name: tcp-mysql, port: 3306 }] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: STRICT } }
`;

/** A control plane, real applications on B, and programs on A and C that call them. */
export class Shop {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'hauberk-hosts-'));
  readonly network: Network = new Network();
  readonly plane: Host;
  readonly a: Host;
  readonly b: Host;
  /** Without IPv6. */
  readonly c: Host;
  /** Without IPv4. */
  readonly d: Host;

  constructor() {
    const resolver = '10.77.0.1';
    this.plane = this.network.host('cp', { resolver });
    this.a = this.network.host('a', { resolver });
    this.b = this.network.host('b', { resolver });
    this.c = this.network.host('c', { resolver, ipv6: false });
    this.d = this.network.host('d', { resolver: '::1', ipv4: false });
  }

  /** Starts the control plane, and whatever is outside of the mesh. */
  async startPlane(nginx: string): Promise<void> {
    const { plane } = this;
    const running = plane.startHauberk(
      [...['up', '--xds', '[::]:15012', '--api-listen', '127.0.0.1:6443'], ...['--metrics', 'off']],
      { env: this.#environment },
    );
    const resolver = fileURLToPath(new URL('../../kit/small-resolver.ts', import.meta.url));
    plane.start([process.execPath, resolver, plane.ipv4, `outside.example=${plane.ipv4}`]);
    this.startNginx(plane, nginx, { port: 8099, says: 'from outside' });
    const apply = (): Promise<void> => this.apply(RESOURCES);
    await insist(apply, PATIENCE_MS).catch((cause: unknown) => {
      throw new Error(`the control plane: ${running.output()}`, { cause });
    });
  }

  async apply(manifest: string): Promise<void> {
    await this.#atPlane(['apply', '-f', '-'], manifest);
  }

  async token(account: string): Promise<string> {
    const args = ['token', 'create', '--service-account', `shop/${account}`];
    return (await this.#atPlane(args)).stdout.trim();
  }

  /** Starts a sidecar that takes what the rules bring, and waits until it is ready. */
  async sidecar(host: Host, account: string, args: readonly string[] = []): Promise<Running> {
    const token = await this.token(account);
    const running = host.startHauberk(
      [
        ...['sidecar', '--control-plane', this.#planeFor(host), '--capture', 'redirect'],
        ...['--state-dir', this.stateDir(host), '--name', `${account}-${host.name}`],
        ...['--metrics', 'off', '--readiness', 'off', '--drain-timeout', '1s', ...args],
      ],
      { gid: PROXY_GID, env: { HAUBERK_TOKEN: token } },
    );
    await insist(() => this.status(host), PATIENCE_MS).catch((cause: unknown) => {
      throw new Error(`the sidecar of ${host.name}: ${running.output()}`, { cause });
    });
    return running;
  }

  /** Runs a shell's command with a sidecar of its own, where the cgroups of the machine are. */
  async run(host: Host, args: readonly string[], command: string): Promise<Finished> {
    return await host.hauberk(
      [
        ...['run', '--service-account', 'shop/web', '--control-plane', this.#planeFor(host)],
        ...['--state-dir', join(this.stateDir(host), 'run'), '--hbone', '0.0.0.0:15009'],
        ...['--metrics', 'off', '--readiness', 'off', '--drain-timeout', '1s', ...args],
        ...['--', 'sh', '-c', command],
      ],
      { env: { HAUBERK_TOKEN: await this.token('web') }, cgroups: true },
    );
  }

  status(host: Host): Promise<SidecarStatus> {
    return readStatus(this.stateDir(host));
  }

  stateDir(host: Host): string {
    return join(this.directory, `state-${host.name}`);
  }

  startNginx(host: Host, nginx: string, site: { port: number; says: string }): void {
    const at = this.#own(`nginx-${host.name}`);
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${at}/temp;`,
    );
    const listen = `listen ${site.port}; listen [::]:${site.port};`;
    writeFileSync(
      join(at, 'nginx.conf'),
      `daemon off; pid ${at}/pid; error_log ${at}/error.log; user root; worker_processes 1;
events {}
http { access_log off; ${temp.join(' ')} server { ${listen} location / { return 200 "${site.says}"; } } }
`,
    );
    host.start([nginx, '-c', join(at, 'nginx.conf'), '-p', at, '-e', join(at, 'error.log')]);
  }

  startRedis(host: Host, redis: string): void {
    const at = this.#own('redis');
    // The program is a server when it is called one.
    symlinkSync(redis, join(at, 'redis-server'));
    host.start([
      ...[join(at, 'redis-server'), '--port', '6379', '--bind', '0.0.0.0', '--dir', at],
      ...['--save', '', '--protected-mode', 'no'],
    ]);
  }

  startMariadb(host: Host, mariadbd: string): void {
    const at = this.#own('mariadb');
    host.start([
      ...[mariadbd, '--no-defaults', `--datadir=${at}`, `--socket=${at}/sock`, '--user=root'],
      ...['--skip-grant-tables', '--bind-address=0.0.0.0', '--port=3306', '--skip-name-resolve'],
      ...['--innodb-flush-method=nosync', '--innodb-log-file-size=4M', '--pid-file=pid'],
    ]);
  }

  close(): void {
    this.network.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #planeFor(host: Host): string {
    const address = host === this.d ? `[${this.plane.ipv6}]` : this.plane.ipv4;
    return `${address}:15012`;
  }

  get #environment(): Record<string, string> {
    return { HAUBERK_DATA_DIR: join(this.directory, 'plane') };
  }

  async #atPlane(args: readonly string[], stdin?: string): Promise<Finished> {
    const how = { env: this.#environment, ...(stdin === undefined ? {} : { stdin }) };
    const finished = await this.plane.hauberk(args, how);
    if (finished.code !== 0) throw new Error(`hauberk ${args.join(' ')}: ${finished.stderr}`);
    return finished;
  }

  #own(name: string): string {
    const at = join(this.directory, name);
    mkdirSync(at, { recursive: true });
    return at;
  }
}
