import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { kernelSockets } from '../kit/kernel-sockets.ts';
import { type SidecarProcess, sidecarProcess } from '../kit/sidecar-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-handed-over-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
}, 60_000);

afterAll(async () => {
  await group.stop();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The kernel lists sockets in pieces, between which others come and go and one may be passed over. */
const LOOKS = 8;

/** What listens at each of `ports`, as `<what> <transport>` and the kernel's names of the sockets. */
function socketsAt(ports: Readonly<Record<string, number>>): Record<string, readonly number[]> {
  const look = (transport: 'tcp' | 'udp') =>
    Array.from({ length: LOOKS }, () => kernelSockets(transport)).flat();
  const seen = { tcp: look('tcp'), udp: look('udp') };
  const at = (what: string, transport: 'tcp' | 'udp') => {
    const here = seen[transport].filter(
      ({ localPort, listens }) => localPort === ports[what] && (listens || transport === 'udp'),
    );
    const inodes = new Set(here.map(({ inode }) => inode));
    return [`${what} ${transport}`, [...inodes].toSorted((a, b) => a - b)];
  };
  const all = [...Object.keys(ports).map((what) => at(what, 'tcp')), at('dns', 'udp')];
  return Object.fromEntries(all);
}

it.each([1, 2])(
  'a successor with %i workers serves at each port by the very sockets of its predecessor',
  async (workers) => {
    const names = [
      'hbone',
      'inbound',
      'outbound',
      'toOutbound',
      'toInbound',
      'dns',
      'http',
      'socks',
    ];
    const free = await freePorts(names.length);
    const ports = Object.fromEntries(names.map((name, at) => [name, free[at] ?? 0]));
    const here = (name: string): string => `127.0.0.1:${ports[name]}`;
    const start = (): Promise<SidecarProcess> =>
      sidecarProcess({
        ...{ group, plane, directory, name: workers === 1 ? 'reviews' : 'products' },
        hbonePort: ports['hbone'] ?? 0,
        args: [
          ...['--metrics', 'off', '--readiness', 'off', '--concurrency', String(workers)],
          ...['--inbound', `tcp:${here('inbound')}=127.0.0.1:9`],
          ...['--outbound', `${here('outbound')}=reviews.shop:80`, '--capture', 'redirect'],
          ...['--outbound-to', `${ports['toOutbound']}`, '--inbound-to', `${ports['toInbound']}`],
          ...[
            '--dns-to',
            `${ports['dns']}`,
            '--http-proxy',
            here('http'),
            '--socks',
            here('socks'),
          ],
        ],
      });
    const first = await start();
    const before = socketsAt(ports);
    for (const [where, inodes] of Object.entries(before)) {
      expect(inodes.length, where).toBeGreaterThanOrEqual(workers);
    }
    const second = await start();
    await first.process.exited;
    expect(second.process.running).toBe(true);
    expect(socketsAt(ports)).toEqual(before);
  },
  120_000,
);
