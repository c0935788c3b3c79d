import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tcpFlows, tlsBytes } from '../../kit/captured-packets.ts';
import {
  type Finished,
  type Host,
  insist,
  onHosts,
  type Running,
} from '../../kit/network-hosts.ts';
import { APP_UID, PROXY_GID, Shop } from './shop.ts';

const PROGRAMS = ['ip', 'nft', 'iptables', 'tcpdump', 'curl', 'nginx', 'redis-cli'];
const SERVERS = ['redis-check-rdb', 'mariadbd', 'mariadb', 'setpriv', 'sysctl'];
const SECRET = 'what-nobody-on-the-wire-may-read';
const PATIENCE_MS = 60_000;
const app = { uid: APP_UID };
const dnsClient = [
  process.execPath,
  fileURLToPath(new URL('../../kit/dns-client.ts', import.meta.url)),
];

onHosts([...PROGRAMS, ...SERVERS], (path) => {
  let shop: Shop;
  let wire: Running;
  const pcap = (): string => join(shop.directory, 'wire.pcap');

  const curl = (host: Host, url: string, ...args: string[]): Promise<Finished> =>
    host.run([path['curl'] ?? '', '-sS', '--max-time', '10', ...args, url], app);
  const capture = (host: Host, ...args: string[]): Promise<Finished> =>
    host.hauberk(['capture', ...args]);
  const up = (host: Host, ...args: string[]): Promise<Finished> =>
    capture(host, 'up', '--uid', String(APP_UID), '--proxy-gid', String(PROXY_GID), ...args);
  /** What the kernel has of rules, without counts. */
  const rules = (host: Host, ...what: string[]): Promise<string> =>
    host.must(['nft', '-s', 'list', ...what]);
  const denials = async (host: Host): Promise<readonly string[]> =>
    (await shop.status(host)).recent.map((activity) => JSON.stringify(activity));

  beforeAll(async () => {
    shop = new Shop();
    const { a, b, c, network } = shop;
    wire = network.wire.start([
      'tcpdump',
      '-i',
      'br0',
      '-U',
      '--immediate-mode',
      '-s',
      '0',
      '-w',
      pcap(),
      'tcp',
    ]);
    await insist(async () => {
      if (!wire.output().includes('listening on br0')) throw new Error(wire.output());
    }, PATIENCE_MS);
    shop.startNginx(b, path['nginx'] ?? '', { port: 8080, says: SECRET });
    shop.startRedis(b, path['redis-check-rdb'] ?? '');
    shop.startMariadb(b, path['mariadbd'] ?? '');
    shop.startNginx(shop.d, path['nginx'] ?? '', { port: 8080, says: 'by IPv6' });
    await shop.startPlane(path['nginx'] ?? '');
    const inbound = ['--inbound-ports', '8080,6379,3306'];
    await Promise.all([
      shop.sidecar(a, 'web', ['--concurrency', '2']),
      shop.sidecar(b, 'backend', ['--inbound-ports', 'http:8080,6379,3306']),
      shop.sidecar(c, 'web'),
      up(a),
      up(c, '--backend', 'iptables'),
      capture(b, 'up', '--all', '--proxy-gid', String(PROXY_GID), ...inbound),
    ]);
    // The agent of A must have been told of B.
    await insist(async () => {
      const { code, stderr } = await curl(a, 'http://products/');
      if (code !== 0) throw new Error(`${stderr} ${await denials(a)}`);
    }, PATIENCE_MS);
  }, 240_000);

  afterAll(() => shop?.close());

  it.each(['products', 'products.shop', 'products.shop.svc', 'products.shop.svc.cluster.local'])(
    'reaches a service by the name %s, with programs that know nothing of the mesh',
    async (name) => {
      expect((await curl(shop.a, `http://${name}/`)).stdout).toBe(SECRET);
    },
  );

  it('reaches it by IPv6', async () => {
    expect(await curl(shop.a, 'http://products.shop/', '-6')).toMatchObject({ stdout: SECRET });
  });

  it('reaches it by the address of an endpoint', async () => {
    expect((await curl(shop.a, `http://${shop.b.ipv4}:8080/`)).stdout).toBe(SECRET);
  });

  it('carries Redis', async () => {
    const redis = (...args: string[]): Promise<string> =>
      shop.a.must([path['redis-cli'] ?? '', '-h', 'cache.shop', ...args], app);
    await insist(async () => expect(await redis('SET', 'key', SECRET)).toBe('OK\n'), PATIENCE_MS);
    expect(await redis('GET', 'key')).toBe(`${SECRET}\n`);
  });

  it('carries MySQL, in which the server speaks first', async () => {
    const query = `select reverse('${SECRET}')`;
    const mariadb = [path['mariadb'] ?? '', '--no-defaults', '-h', 'db.shop', '-u', 'root'];
    const answer = await insist(
      () => shop.a.must([...mariadb, '--skip-ssl', '-N', '-e', query], app),
      PATIENCE_MS,
    );
    expect(answer.trim()).toBe([...SECRET].reverse().join(''));
  });

  it('lets calls to others pass, by the name that the own resolver knows', async () => {
    expect((await curl(shop.a, 'http://outside.example:8099/')).stdout).toBe('from outside');
    const { dns } = (await shop.status(shop.a)).capture;
    expect(dns.forwarded).toBeGreaterThan(0);
    expect(dns.answered).toBeGreaterThan(0);
  });

  it('says that a name is not known where nobody knows it', async () => {
    expect((await curl(shop.a, 'http://nobody.example/')).stderr).toContain('Could not resolve');
  });

  it('loses no query and answers none wrong while its sidecar is replaced', async () => {
    const { a } = shop;
    const stream = a.start([...dnsClient, shop.plane.ipv4, 'products.shop', 'stream'], app);
    await insist(async () => expect(stream.output()).toContain('asking'), PATIENCE_MS);
    const { pid } = await shop.status(a);
    await shop.sidecar(a, 'web', ['--concurrency', '2']);
    await insist(async () => expect((await shop.status(a)).pid).not.toBe(pid), PATIENCE_MS);
    // Its predecessor has a second to drain.
    await insist(() => expectGone(pid), PATIENCE_MS);
    stream.process.kill('SIGTERM');
    await stream.exited;
    const answers = JSON.parse(stream.output().replace('asking\n', '')) as Record<string, number>;
    expect(Object.keys(answers)).toEqual([expect.stringMatching(/^240\.240\./)]);
    expect(Object.values(answers)[0]).toBeGreaterThan(50);
  });

  it.each([
    ['nft', 'a', 40_053],
    ['iptables', 'c', 40_054],
  ] as const)(
    'tells queries from the same port to the same resolver apart by who asks, with %s',
    async (backend, name, port) => {
      const host = shop[name];
      expect((await capture(host, 'status')).stdout).toContain(`default (${backend})`);
      const ask = async (who: { uid?: number; gid?: number }): Promise<string> =>
        await host.must([...dnsClient, shop.plane.ipv4, 'products.shop', String(port)], who);
      for (const who of [{}, app, { gid: PROXY_GID }, app]) {
        const answer = await ask(who);
        if (who === app) expect(answer).toContain('240.240.');
        else expect(answer).toContain('NXDOMAIN');
      }
    },
  );

  it('reaches a host that has IPv6 addresses only, and is reached there', async () => {
    const { a, b, d } = shop;
    await shop.sidecar(d, 'reviews', ['--inbound-ports', 'http:8080']);
    const inbound = ['--all', '--proxy-gid', String(PROXY_GID), '--inbound-ports', '8080'];
    expect(await capture(d, 'up', '--no-dns', ...inbound)).toMatchObject({ code: 0 });
    await insist(async () => {
      const { code, stderr } = await curl(a, 'http://reviews/');
      if (code !== 0) throw new Error(`${stderr} ${await denials(d)}`);
    }, PATIENCE_MS);
    expect((await curl(a, 'http://reviews/')).stdout).toBe('by IPv6');
    expect((await curl(b, `http://[${d.ipv6}]:8080/`)).stdout).toBe('by IPv6');
    // What it sends to itself by the service's address goes out and comes in as everybody's does.
    const { stdout: names } = await a.run(['getent', 'ahostsv6', 'reviews'], app);
    const virtual = names.split(' ')[0] ?? '';
    expect((await curl(d, `http://[${virtual}]/`)).stdout).toBe('by IPv6');
    expect((await shop.plane.run(['curl', '-m', '5', `http://[${d.ipv6}]:8080/`])).code).not.toBe(
      0,
    );
  });

  it('shows which rules have caught how much', async () => {
    const { stdout } = await capture(shop.a, 'status', '-o', 'json');
    const [made] = JSON.parse(stdout) as { caught: { rule: string; connections: number }[] }[];
    expect(made).toMatchObject({ name: 'default', backend: 'nft' });
    expect(made?.caught.find(({ rule }) => rule === 'outbound')?.connections).toBeGreaterThan(5);
    expect((await shop.status(shop.a)).capture.ownTraffic).toBe('exempt');
  });

  it('lets nothing but TLS cross the wire between A, B and D', async () => {
    wire.process.kill('SIGINT');
    await wire.exited;
    const flows = tcpFlows(readFileSync(pcap()));
    const { a, b, d } = shop;
    const members = [a.ipv4, b.ipv4, ...[a, b, d].map(({ ipv6 }) => hexOf(ipv6))];
    const between = flows.filter(
      ({ from, to, bytes }) => bytes.length > 0 && [from, to].every((ip) => members.includes(ip)),
    );
    expect(between.some(({ to }) => to === hexOf(d.ipv6))).toBe(true);
    const seen = flows.map(
      ({ from, to, toPort, bytes }) => `${from} ${to} ${toPort} ${bytes.length}`,
    );
    expect(between.length, seen.join('; ') + wire.output()).toBeGreaterThan(1);
    for (const { bytes } of between) expect(tlsBytes(bytes)).toBe(bytes.length);
    expect(between.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeGreaterThan(4_000);
    const all = Buffer.concat(flows.map(({ bytes }) => bytes)).toString('latin1');
    expect(all).toContain('from outside');
    expect(all).not.toContain(SECRET);
    expect(all).not.toContain([...SECRET].reverse().join(''));
  });

  it.each(['ipv4', 'ipv6'] as const)(
    'refuses plaintext that others send to the port of the application by %s, and says which policy',
    async (family) => {
      const { b, c, plane } = shop;
      const host = family === 'ipv4' ? b.ipv4 : `[${b.ipv6}]`;
      const { code } = await plane.run(['curl', '-sS', '-m', '5', `http://${host}:8080/`]);
      expect(code).not.toBe(0);
      const [denied] = (await denials(b)).filter(
        (each) => each.includes('STRICT') && each.includes(b[family]),
      );
      expect(denied).toContain('PeerAuthentication shop/default');
      expect(c.ipv6).not.toBe(b.ipv6);
    },
  );

  it.each([
    ['127.0.0.1:15001', 'outbound'],
    ['[::1]:15001', 'outbound'],
    ['127.0.0.1:15006', 'inbound'],
    ['[::1]:15006', 'inbound'],
  ])('refuses who connects to %s itself, and counts it', async (where, direction) => {
    const before = (await shop.status(shop.a)).totals;
    expect((await curl(shop.a, `http://${where}/`)).code).not.toBe(0);
    const after = (await shop.status(shop.a)).totals;
    expect(after.connectionDenied).toBe(before.connectionDenied + 1);
    const denied = (await denials(shop.a)).filter((each) => each.includes('not-captured'));
    expect(denied.at(-1)).toContain(direction);
  });

  it('refuses from elsewhere who connects to its ports', async () => {
    const { plane, b } = shop;
    for (const port of [15_001, 15_006]) {
      const { code } = await plane.run(['curl', '-sS', '-m', '5', `http://${b.ipv4}:${port}/`]);
      expect(code).not.toBe(0);
    }
    expect((await denials(b)).filter((each) => each.includes('not-captured'))).toHaveLength(1);
  });

  it('sends nothing while the rules capture the proxy itself, and goes on when they do not', async () => {
    const { a } = shop;
    expect((await capture(a, 'up', '--name', 'loop', '--gid', String(PROXY_GID))).code).toBe(0);
    await insist(async () => {
      const { code } = await curl(a, 'http://outside.example:8099/');
      if (code === 0) throw new Error('it still passes');
    }, PATIENCE_MS);
    // Each worker finds out for itself, and what went round until then fills the list.
    await insist(async () => {
      await curl(a, `http://${shop.plane.ipv4}:8099/`);
      expect((await shop.status(a)).capture.ownTraffic).toBe('captured');
      expect((await denials(a)).join('\n')).toContain('--proxy-gid');
    }, PATIENCE_MS);
    expect((await capture(a, 'down', '--name', 'loop')).code).toBe(0);
    await insist(async () => {
      const { code, stderr } = await curl(a, 'http://outside.example:8099/');
      if (code !== 0) throw new Error(stderr);
    }, PATIENCE_MS);
    await insist(async () => expect((await shop.status(a)).connections).toEqual([]), PATIENCE_MS);
  });

  it('refuses what is no service of the mesh when the mesh says so', async () => {
    const policy = (mode: string): string => `
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: { name: mesh, namespace: istio-system }
spec: { meshConfig: { outboundTrafficPolicy: { mode: ${mode} } } }
`;
    await shop.apply(policy('REGISTRY_ONLY'));
    await insist(async () => {
      const { code } = await curl(shop.a, 'http://outside.example:8099/');
      if (code === 0) throw new Error('it still passes');
      // Until the policy has come it may fail for another reason.
      expect((await denials(shop.a)).join('\n')).toContain('REGISTRY_ONLY');
    }, PATIENCE_MS);
    expect((await curl(shop.a, 'http://products/')).stdout).toBe(SECRET);
    await shop.apply(policy('ALLOW_ANY'));
  });

  it('works on a host without IPv6, by iptables, and leaves nothing behind', async () => {
    const { c } = shop;
    const saved = (): Promise<string> => c.must(['iptables-save']);
    const made = withoutCounts(await saved());
    expect(await up(c, '--backend', 'iptables')).toMatchObject({ code: 0 });
    expect(withoutCounts(await saved())).toBe(made);
    await insist(async () => {
      const { code, stderr } = await curl(c, 'http://products.shop/');
      if (code !== 0) throw new Error(stderr);
    }, PATIENCE_MS);
    expect((await curl(c, 'http://products/', '-6')).code).not.toBe(0);
    expect((await up(c)).stderr).toContain('iptables has made a capture "default" already');
    expect((await capture(c, 'status')).stdout).toContain('default (iptables)');
    expect((await capture(c, 'down')).stdout).toBe('capture "default" removed\n');
    expect(await saved()).not.toContain('HAUBERK');
    expect(await c.must(['ip6tables-save'])).not.toContain('HAUBERK');
  });

  it('runs a program with a sidecar of its own, captured by its cgroup', async () => {
    const program =
      'curl -sS http://products.shop/; env | grep -c HAUBERK; echo $SPIFFE_ENDPOINT_SOCKET; exit 7';
    const finished = await shop.run(shop.c, ['--capture', 'redirect'], program);
    const socket = `unix://${join(shop.stateDir(shop.c), 'run', 'spiffe.sock')}`;
    expect(finished.stdout, finished.stderr).toBe(`${SECRET}0\n${socket}\n`);
    expect(finished.code).toBe(7);
    expect(await rules(shop.c, 'tables')).not.toContain('hauberk');
  });

  it('runs a program that uses the proxies it is told of', async () => {
    const program = 'curl -sS http://products/; http_proxy= curl -sS http://products.shop/';
    const { stdout, stderr, code } = await shop.run(shop.c, ['--capture', 'proxy'], program);
    expect({ stdout, code }, stderr).toEqual({ stdout: `${SECRET}${SECRET}`, code: 0 });
  });

  it('does not start a program whose sidecar gets no identity', async () => {
    const nowhere = ['--control-plane', '10.77.0.77:15012', '--start-timeout', '1s'];
    const { stdout, stderr, code } = await shop.run(shop.c, nowhere, 'echo started');
    expect({ stdout, code }).toEqual({ stdout: '', code: 3 });
    expect(stderr).toContain('the program was not started');
    expect(stderr).toMatch(/was not started: .*10\.77\.0\.77:15012/);
  });

  it('removes exactly what it has made, also when the sidecar is long gone', async () => {
    const { a } = shop;
    await a.must(['nft', 'add', 'table', 'inet', 'of_others']);
    const before = await rules(a, 'table', 'inet', 'hauberk_default');
    expect((await up(a)).code).toBe(0);
    expect(await rules(a, 'table', 'inet', 'hauberk_default')).toBe(before);
    expect((await capture(a, 'up', '--name', 'broken', '--cgroup', 'nowhere')).code).toBe(2);
    a.stop();
    expect((await capture(a, 'down')).code).toBe(0);
    expect(await rules(a, 'ruleset')).toBe('table inet of_others {\n}\n');
    expect(await capture(a, 'down')).toMatchObject({
      ...{ code: 0, stdout: 'no capture "default" is there\n' },
    });
  });
});

async function expectGone(pid: number): Promise<void> {
  expect(existsSync(`/proc/${pid}`)).toBe(false);
}

/** An address of these hosts as 32 digits. */
function hexOf(ipv6: string): string {
  const [start = '', end = ''] = ipv6.split('::');
  return `${start}${end.padStart(32 - start.length, '0')}`;
}

/** Rules as they are, without the times and counts around them. */
function withoutCounts(saved: string): string {
  return saved.replace(/^#.*$/gm, '').replace(/\[\d+:\d+\]/g, '');
}
