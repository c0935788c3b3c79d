import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, type Host, insist, Network, onHosts } from '../../kit/network-hosts.ts';

const APP_UID = 1000;
const APP_GID = 2000;
const user = ['--uid', String(APP_UID)];
const byIptables = ['--backend', 'iptables', ...user];
const PORT = 8099;
const SERVER = `require('node:http').createServer((_, answer) => answer.end('direct')).listen(${PORT}, '::')`;

type Way = 'direct' | 'captured';
type Row = readonly [flags: string, ipv4: Way, ipv6: Way];

// No sidecar runs here: what is captured is refused, for nobody listens where the rules bring it.
onHosts(['ip', 'nft', 'iptables', 'ip6tables', 'curl', 'setpriv', 'unshare'], (path) => {
  let network: Network;
  let a: Host;
  let b: Host;
  let withoutIpv6: Host;
  let directory: string;

  const capture = (host: Host, ...args: string[]): Promise<Finished> =>
    host.hauberk(['capture', ...args]);
  const way = async (url: string, gid?: number): Promise<Way> => {
    const who = { uid: APP_UID, ...(gid === undefined ? {} : { gid }) };
    const { code } = await a.run([path['curl'] ?? '', '-sS', '--max-time', '5', url], who);
    return code === 0 ? 'direct' : 'captured';
  };
  const ways = (): Promise<readonly Way[]> =>
    Promise.all([way(`http://${b.ipv4}:${PORT}/`), way(`http://[${b.ipv6}]:${PORT}/`)]);
  const leftovers = async (host: Host): Promise<string> => {
    const listings = [['nft', 'list', 'ruleset'], ['iptables-save'], ['ip6tables-save']];
    const texts = await Promise.all(listings.map((each) => host.must(each)));
    return texts.join('').toLowerCase().includes('hauberk') ? texts.join('') : 'none';
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-flags-'));
    network = new Network();
    const options = { resolver: '10.77.0.1' };
    a = network.host('a', options);
    b = network.host('b', options);
    withoutIpv6 = network.host('c', { ...options, ipv6: false });
    b.start([process.execPath, '-e', SERVER]);
    await insist(async () => expect(await ways()).toEqual(['direct', 'direct']), 60_000);
  });

  afterAll(() => {
    network?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  describe.each(['nft', 'iptables'])('with %s', (backend) => {
    const up = async (host: Host, flags: string): Promise<void> => {
      const args = ['--backend', backend, '--proxy-gid', '1337', ...flags.split(' ')];
      expect(await capture(host, 'up', ...args)).toMatchObject({ code: 0, stderr: '' });
    };

    it.each<Row>([
      ['--outbound-ports 80,8099', 'captured', 'captured'],
      ['--outbound-ports 80,8100-8200', 'direct', 'direct'],
      ['--exclude-outbound-ports 80,8000-8099', 'direct', 'direct'],
      ['--outbound-cidrs 10.77.0.0/24', 'captured', 'direct'],
      ['--outbound-cidrs fd77::/64', 'direct', 'captured'],
      ['--exclude-outbound-cidrs 10.77.0.0/24', 'direct', 'captured'],
      ['--exclude-outbound-cidrs fd77::/64 --outbound-ports 8099', 'captured', 'direct'],
    ])('sends by `up --uid %s` IPv4 %s and IPv6 %s', async (flags, ipv4, ipv6) => {
      await up(a, `--uid ${APP_UID} ${flags}`);
      expect(await ways()).toEqual([ipv4, ipv6]);
    });

    it('captures a group, and not who is in another one', async () => {
      await up(a, `--gid ${APP_GID}`);
      expect(await way(`http://${b.ipv4}:${PORT}/`, APP_GID)).toBe('captured');
      expect(await way(`http://${b.ipv4}:${PORT}/`, APP_GID + 1)).toBe('direct');
    });

    it('captures beside each other under two names, and takes each away by its own', async () => {
      await up(a, `--uid ${APP_UID + 1} --name two`);
      await up(a, `--uid ${APP_UID}`);
      expect((await capture(a, 'down', '--name', 'two')).stdout).toBe('capture "two" removed\n');
      expect(await ways()).toEqual(['captured', 'captured']);
      expect((await capture(a, 'down')).code).toBe(0);
      expect(await ways()).toEqual(['direct', 'direct']);
      expect(await leftovers(a)).toBe('none');
    });

    it.each<Row>([
      ['--inbound-ports 80,8099', 'captured', 'captured'],
      ['--inbound-ports all --exclude-inbound-ports 8000-8099', 'direct', 'direct'],
      ['--inbound-ports all --inbound-cidrs fd77::/64', 'direct', 'captured'],
      ['--inbound-ports 8000-8100 --exclude-inbound-cidrs fd77::/64', 'captured', 'direct'],
    ])('takes in by `up %s` IPv4 %s and IPv6 %s', async (flags, ipv4, ipv6) => {
      await up(b, flags);
      expect(await ways()).toEqual([ipv4, ipv6]);
    });

    it('leaves nothing behind', async () => {
      expect((await capture(b, 'down')).code).toBe(0);
      expect(await ways()).toEqual(['direct', 'direct']);
      expect(await leftovers(b)).toBe('none');
    });
  });

  /** Runs `hauberk capture` where a program fails as on a kernel that has not what it needs. */
  const without = (broken: 'nft' | 'ip6tables', host: Host, ...args: string[]) => {
    const real = join(directory, 'real');
    mkdirSync(real, { recursive: true });
    const script = `#!/bin/sh
program=$(basename "$0")
case "$program" in
  ${broken}*) echo "$program: cannot initialize: protocol not supported" >&2; exit 1 ;;
esac
exec "${real}/$program" "$@"
`;
    const failing = join(directory, broken);
    writeFileSync(failing, script, { mode: 0o755 });
    const hidden = broken === 'nft' ? 'nft' : 'iptables-save';
    // The programs of iptables are one, which goes by the name that it is called.
    const prepare = `there=$(readlink -f "$(command -v ${hidden})") &&
      for program in iptables-save iptables-restore; do cp "$there" "${real}/$program"; done &&
      mount --bind "${failing}" "$there" && exec "$@"`;
    const shell = ['unshare', '--mount', 'sh', '-c', prepare, 'sh'];
    const program = fileURLToPath(new URL('../../../bin/hauberk', import.meta.url));
    return host.run([...shell, process.execPath, program, 'capture', ...args]);
  };

  describe('where ip6tables cannot work', () => {
    it('captures by nft all the same', async () => {
      expect(await without('ip6tables', a, 'up', ...user)).toMatchObject({ code: 0, stderr: '' });
      expect(await ways()).toEqual(['captured', 'captured']);
      expect((await without('ip6tables', a, 'status')).stdout).toContain('default (nft)');
      expect((await without('ip6tables', a, 'down')).stdout).toContain('removed');
      expect(await leftovers(a)).toBe('none');
    });

    it('refuses iptables, for IPv6 would pass by the mesh', async () => {
      const { code, stderr } = await without('ip6tables', a, 'up', ...byIptables);
      expect(code).not.toBe(0);
      expect(stderr).toContain('protocol not supported');
      expect(stderr).toContain('net.ipv6.conf.all.disable_ipv6=1');
      expect(await leftovers(a)).toBe('none');
    });

    it('captures by iptables on a host without IPv6, and leaves nothing behind', async () => {
      const up = await without('ip6tables', withoutIpv6, 'up', ...byIptables);
      expect(up).toMatchObject({ code: 0, stderr: '' });
      expect(await withoutIpv6.must(['iptables-save'])).toContain('HAUBERK_DEFAULT_OUT');
      expect((await without('ip6tables', withoutIpv6, 'down')).stdout).toContain('removed');
      expect(await leftovers(withoutIpv6)).toBe('none');
    });
  });

  it('captures by iptables where nft cannot work, without being told', async () => {
    const up = await without('nft', a, 'up', ...user);
    expect(up).toMatchObject({ stderr: '', stdout: 'capture "default" is up (iptables)\n' });
    expect(await ways()).toEqual(['captured', 'captured']);
    expect((await without('nft', a, 'down')).stdout).toContain('removed');
    expect(await leftovers(a)).toBe('none');
  });
});
