import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../src/app/demo/until.ts';
import { answerOf, FarMesh } from '../kit/far-mesh.ts';
import { type Host, onHosts } from '../kit/network-hosts.ts';

/** As docs/failures.md states them; what a busy machine adds is allowed for beside. */
const SILENT_SESSION_MS = 5_000;
const CONNECT_MS = 5_000;
const HANDSHAKE_MS = 10_000;
const SLOW_MACHINE_MS = 8_000;

onHosts(['ip', 'nft'], () => {
  let mesh: FarMesh;
  beforeAll(async () => {
    mesh = new FarMesh();
    await mesh.start();
  }, 240_000);
  afterAll(() => mesh.close());

  /** Throws packets away from now on, without a word to anybody; none named: no more. */
  async function lose(host: Host, ...packets: string[]): Promise<void> {
    await host.run(['nft', 'delete', 'table', 'inet', 'lost']);
    if (packets.length === 0) return;
    const rules = packets.map((each) => `${each} drop`).join('\n');
    const chains = ['input', 'output'].map(
      (hook) => `chain ${hook} {\ntype filter hook ${hook} priority 0\n${rules}\n}\n`,
    );
    const table = `table inet lost {\n${chains.join('')}}\n`;
    await host.must(['nft', '-f', '-'], { stdin: table });
  }

  /** A connection that went to this one of the callees. */
  async function openTo(name: string): Promise<Socket> {
    for (;;) {
      const socket = mesh.open();
      if ((await answerOf(socket, 'hello')) === name) return socket;
      socket.destroy();
    }
  }

  interface Call {
    readonly by: string;
    readonly tookMs: number;
  }

  /** New connections at this moment, one after the other. */
  function callMany(count: number): Promise<readonly Call[]> {
    const calls = Array.from({ length: count }, async () => {
      const startedAtMs = Date.now();
      const socket = mesh.open();
      const by = await answerOf(socket, 'hello').catch(String);
      socket.destroy();
      return { by, tookMs: Date.now() - startedAtMs };
    });
    return Promise.all(calls);
  }

  it('goes elsewhere in time when a host vanishes, and cuts what went there', async () => {
    const [gone, stays] = mesh.callees;
    if (gone === undefined || stays === undefined) throw new Error('no callees');
    const transfer = await openTo(gone.name);
    const kept = await openTo(stays.name);
    transfer.on('data', () => undefined);
    const cut = new Promise<number>((resolve) => transfer.once('close', () => resolve(Date.now())));
    await lose(gone, 'tcp dport != 0');
    const vanishedAtMs = Date.now();
    transfer.write(Buffer.alloc(1 << 20));
    const calls = await callMany(12);
    expect(calls.map(({ by }) => by)).toEqual(calls.map(() => stays.name));
    const longestMs = Math.max(...calls.map(({ tookMs }) => tookMs));
    expect(longestMs).toBeLessThan(SILENT_SESSION_MS + CONNECT_MS + SLOW_MACHINE_MS);
    expect((await cut) - vanishedAtMs).toBeLessThan(SILENT_SESSION_MS + SLOW_MACHINE_MS);
    await until('its log says why', async () =>
      mesh.log(mesh.caller).includes('the peer answers no ping'),
    );
    expect(await answerOf(kept, 'still here')).toBe(stays.name);
    kept.destroy();
  });

  it('goes elsewhere when the handshake is where it falls silent, and comes back when it is there again', async () => {
    const [gone, stays] = mesh.callees;
    if (gone === undefined || stays === undefined) throw new Error('no callees');
    // Connections come about, and nothing of TLS comes through.
    await lose(gone, 'tcp dport 15008 meta length > 120');
    const before = handshakesTo(gone);
    let longestMs = 0;
    await until('a handshake was given up', async () => {
      for (const { by, tookMs } of await callMany(4)) {
        expect(by).toBe(stays.name);
        longestMs = Math.max(longestMs, tookMs);
      }
      return handshakesTo(gone) > before;
    });
    expect(longestMs).toBeLessThan(HANDSHAKE_MS + SLOW_MACHINE_MS);
    await lose(gone);
    (await openTo(gone.name)).destroy();
  });

  /** How often the caller gave up a handshake with that one, by its log. */
  function handshakesTo({ ipv4 }: Host): number {
    const lines = mesh.log(mesh.caller).split('\n');
    return lines.filter((line) => line.includes('handshake failed') && line.includes(ipv4)).length;
  }
});
