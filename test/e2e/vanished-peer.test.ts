import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { eventually } from '../kit/eventually.ts';
import { Network, onHosts, type Running } from '../kit/network-hosts.ts';

const WRITER = fileURLToPath(new URL('../kit/watched-writer.ts', import.meta.url));
const PATIENCE_MS = 1_000;
/** Far above what it takes: a busy machine must not fail a test. */
const BUSY_MS = 60_000;
/** Takes connections: on the first port it reads what comes, on the second nothing ever. */
const PEER = `const { createServer } = require('node:net');
createServer((socket) => socket.on('error', () => undefined).resume()).listen(9001, '0.0.0.0');
createServer({ pauseOnConnect: true }, (socket) => socket.on('error', () => undefined))
  .listen(9002, '0.0.0.0', () => console.log('listening'));`;

onHosts(['ip', 'nft'], () => {
  const network = new Network();
  const [near, far] = ['a', 'b'].map((name) => network.host(name, { resolver: '10.77.0.1' }));
  afterAll(() => network.close());

  it('a peer whose packets are dropped is left, one that does not read is not', async () => {
    if (near === undefined || far === undefined) throw new Error('no hosts');
    const peer = far.start([process.execPath, '-e', PEER]);
    await eventually('the peer listens', () => peer.output().includes('listening'), BUSY_MS);
    const writeTo = (port: number): Running =>
      near.start([process.execPath, WRITER, far.ipv4, String(port), String(PATIENCE_MS)]);
    const [gone, stalled] = [writeTo(9001), writeTo(9002)];
    for (const each of [gone, stalled]) {
      await eventually('it is open', () => each.output().includes('open'), BUSY_MS);
    }
    const drop =
      'table inet lost {\nchain input {\ntype filter hook input priority 0\ntcp dport 9001 drop\n}\n}\n';
    await far.must(['nft', '-f', '-'], { stdin: drop });
    await gone.exited;
    expect(gone.output()).toMatch(/^open\nthe peer has acknowledged nothing for \d{4,} ms\n$/);
    expect(stalled.output()).toBe('open\n');
  });
});
