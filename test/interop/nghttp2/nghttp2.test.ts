import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { formatAddress } from '../../../src/proxy/address.ts';
import { startFramedServer } from '../../kit/framed-server.ts';
import { peer } from '../../kit/peer.ts';

const run = promisify(execFile);

peer('h2load', (program) => {
  it('asks 20,000 times on four connections, 50 at a time, and gets each answer', async () => {
    await using server = await startFramedServer();
    const url = `https://${formatAddress(server.address)}/`;
    const { stdout } = await run(program, ['-n', '20000', '-c', '4', '-m', '50', url]);
    expect(stdout).toContain('20000 total, 20000 started, 20000 done');
    expect(stdout).toContain('0 errored, 0 timeout');
    expect(stdout).toContain('status codes: 0 2xx, 0 3xx, 20000 4xx, 0 5xx');
  });
});

peer('nghttp', (program) => {
  it('sends a body, padding and its own settings, and understands the answer', async () => {
    await using server = await startFramedServer();
    const directory = mkdtempSync(join(tmpdir(), 'hauberk-nghttp-'));
    const body = join(directory, 'body');
    writeFileSync(body, Buffer.alloc(300_000));
    const options = ['--no-verify-peer', '-v', '-d', body, '--padding=200', '-w', '20', '-W', '22'];
    const many = ['-m', '5', '--header-table-size=0', '--encoder-header-table-size=100'];
    const url = `https://${formatAddress(server.address)}/`;
    const { stdout } = await run(program, [...options, ...many, url]);
    rmSync(directory, { recursive: true });
    expect(stdout.match(/:status: 405/g)).toHaveLength(5);
    expect(stdout).toContain('recv WINDOW_UPDATE frame');
    expect(stdout).not.toMatch(/recv (RST_STREAM|GOAWAY)/);
    expect(server.ended).not.toContainEqual(expect.stringContaining('HTTP/2 code 1'));
  });
});
