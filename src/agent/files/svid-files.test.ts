import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { spiffeHelperNames, writeSvidFiles } from './svid-files.ts';

const parent = mkdtempSync(join(tmpdir(), 'hauberk-files-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const authority = testAuthority();
const ID = 'spiffe://cluster.local/ns/shop/sa/web';
let made = 0;
const newDirectory = (): string => {
  made += 1;
  return join(parent, `svid-${made}`);
};

it('writes chain, key and roots, for their owner only, under the names of spiffe-helper', async () => {
  const directory = newDirectory();
  const identity = authority.identity(ID);
  await writeSvidFiles(directory, spiffeHelperNames, identity);
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const { cert, key, ca } = authority.pems(identity.svid);
  expect([read('svid.pem'), read('svid_key.pem'), read('svid_bundle.pem')]).toEqual([
    cert,
    key,
    ca,
  ]);
  const modes = Object.values(spiffeHelperNames).map(
    (name) => statSync(join(directory, name)).mode & 0o777,
  );
  expect(modes).toEqual([0o600, 0o600, 0o600]);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

it('swaps all three in one step, and keeps nothing of the key before', async () => {
  const directory = newDirectory();
  await writeSvidFiles(directory, spiffeHelperNames, authority.identity(ID));
  const before = readlinkSync(join(directory, '..data'));
  const links = () => lstatSync(join(directory, 'svid.pem')).ino;
  const inode = links();
  const next = authority.identity(ID);
  await writeSvidFiles(directory, spiffeHelperNames, next);
  expect(links()).toBe(inode);
  const after = readlinkSync(join(directory, '..data'));
  expect(after).not.toBe(before);
  const { raw } = new X509Certificate(readFileSync(join(directory, 'svid.pem')));
  expect(Buffer.compare(raw, next.svid.chain[0]?.der ?? raw.subarray(1))).toBe(0);
  const names = ['svid.pem', 'svid_key.pem', 'svid_bundle.pem', '..data', after];
  expect(new Set(readdirSync(directory))).toEqual(new Set(names));
});

it('leaves what others keep there', async () => {
  const directory = newDirectory();
  mkdirSync(directory, { mode: 0o755 });
  writeFileSync(join(directory, '..other'), 'a');
  writeFileSync(join(directory, 'dhparam.pem'), 'b');
  await writeSvidFiles(directory, spiffeHelperNames, authority.identity(ID));
  expect(readdirSync(directory)).toEqual(expect.arrayContaining(['..other', 'dhparam.pem']));
});

it('writes no key where others may write', async () => {
  const directory = newDirectory();
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  const writing = writeSvidFiles(directory, spiffeHelperNames, authority.identity(ID));
  await expect(writing).rejects.toThrow(/chmod go-w/);
  expect(readdirSync(directory)).toEqual([]);
});

it('does not write over a file that somebody else put there', async () => {
  const directory = newDirectory();
  mkdirSync(directory, { mode: 0o755 });
  writeFileSync(join(directory, 'svid_key.pem'), 'mine');
  const writing = writeSvidFiles(directory, spiffeHelperNames, authority.identity(ID));
  await expect(writing).rejects.toThrow(/svid_key.pem" is there and was not written by a sidecar/);
  expect(readFileSync(join(directory, 'svid_key.pem'), 'utf8')).toBe('mine');
});

it('says which directory it is when the disk refuses', async () => {
  const file = join(parent, 'file');
  writeFileSync(file, '');
  const writing = writeSvidFiles(join(file, 'x'), spiffeHelperNames, authority.identity(ID));
  await expect(writing).rejects.toMatchObject({ code: 'ERR_STORE' });
});

it('leaves no key behind when it cannot finish, however often', async () => {
  const directory = newDirectory();
  mkdirSync(directory, { mode: 0o700 });
  const full = { certificate: 'cert.pem', key: 'key.pem', bundle: 'no-such-directory/ca.pem' };
  writeFileSync(join(directory, 'svid_key.pem'), 'not ours');
  for (const names of [spiffeHelperNames, full, full]) {
    await expect(writeSvidFiles(directory, names, authority.identity(ID))).rejects.toMatchObject({
      code: 'ERR_STORE',
    });
    expect(readdirSync(directory)).toEqual(['svid_key.pem']);
  }
});

it('goes on after a link that was left half-made, whatever is there', async () => {
  const directory = newDirectory();
  mkdirSync(join(directory, '..new.svid_pem', 'x'), { recursive: true, mode: 0o700 });
  await writeSvidFiles(directory, spiffeHelperNames, authority.identity(ID));
  expect(readdirSync(directory)).toHaveLength(5);
});
