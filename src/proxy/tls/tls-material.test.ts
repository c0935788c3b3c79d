import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { TlsMaterials } from './tls-material.ts';

const materials = new TlsMaterials(() => Promise.reject(new Error('nobody asked')));

function authorities(path: string): Promise<unknown> {
  const wanted = { credential: undefined, authorities: { from: 'file', path, crl: undefined } };
  return materials.of(wanted as Parameters<TlsMaterials['of']>[0]);
}

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-material-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'ca.pem');
}

it('reads a file again once it has changed', async () => {
  const path = place();
  writeFileSync(path, 'first');
  expect(await authorities(path)).toMatchObject({ ca: 'first' });
  writeFileSync(path, 'another');
  expect(await authorities(path)).toMatchObject({ ca: 'another' });
});

it.each<[string, (path: string) => unknown, RegExp]>([
  ['a FIFO', (path) => execFileSync('mkfifo', [path]), /it is no plain file$/],
  ['a directory', (path) => mkdirSync(path), /it is no plain file$/],
  [
    'a gigabyte',
    (path) => {
      writeFileSync(path, '');
      truncateSync(path, 2 ** 30);
    },
    /it has more than 1048576 bytes$/,
  ],
  ['nothing', () => undefined, /it does not exist, or/],
])('neither waits for nor reads %s', async (_what, make, why) => {
  const path = place();
  make(path);
  await expect(authorities(path)).rejects.toMatchObject({
    code: 'ERR_NOT_FOUND',
    message: expect.stringMatching(why),
  });
});

it('does not read a device, which has no end', async () => {
  await expect(authorities('/dev/zero')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
});
