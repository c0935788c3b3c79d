import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itHindered, runHindered } from '../../../test/kit/hindered.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { type MasterKeySources, readMasterKey } from './master-key.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-key-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64');

function file(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const read = (sources: MasterKeySources, mayCreate = false): Uint8Array =>
  readMasterKey(sources, { path: join(directory, 'master.key'), mayCreate });

describe('readMasterKey', () => {
  it('takes the named file, then the environment, then the credential, then its own file', () => {
    const path = file('named.key', `${keyOf(1)}\n`);
    file('hauberk-master-key', keyOf(3), 0o440);
    file('master.key', keyOf(4));
    const all = { file: path, environment: keyOf(2), credentialsDirectory: directory };
    const { file: _file, ...noFile } = all;
    const { environment: _environment, ...credentialOnly } = noFile;
    expect([all, noFile, credentialOnly, {}].map((sources) => read(sources)[0])).toEqual([
      1, 2, 3, 4,
    ]);
  });

  it('makes its own file, private, where nothing is sealed yet, and finds it again', () => {
    const made = read({}, true);
    expect(made).toHaveLength(32);
    expect(statSync(join(directory, 'master.key')).mode & 0o777).toBe(0o600);
    expect(read({})).toEqual(made);
  });

  itHindered('leaves nothing half-written on a full disk (needs unshare)', () => {
    const module = JSON.stringify(new URL('./master-key.ts', import.meta.url).href);
    const script = `import { readdirSync } from 'node:fs';
      import { readMasterKey } from ${module};
      const [, directory] = process.argv;
      try { readMasterKey({}, { path: directory + '/master.key', mayCreate: true }); }
      catch ({ code, message }) { console.log(code + ' ' + message); }
      console.log(readdirSync(directory).join());`;
    const command = [process.execPath, '--input-type=module', '-e', script, directory];
    const { stdout } = runHindered('full disk', directory, command);
    expect(stdout).toBe(
      `ERR_STORE cannot write the master key "${join(directory, 'master.key')}": the disk is full; free some space there and try again\nfiller\n`,
    );
  });

  it('never takes the place of what is there, even if that leads nowhere', () => {
    symlinkSync('nowhere', join(directory, 'master.key'));
    expect(() => read({}, true)).toThrow(/something is there, perhaps a symbolic link/);
    expect(readdirSync(directory)).toEqual(['master.key']);
  });

  it("makes none when systemd's directory holds other credentials and a database exists", () => {
    expect(() => read({ credentialsDirectory: directory })).toThrow(
      /master.key" is missing.*HAUBERK_MASTER_KEY/,
    );
  });

  it.each<[string, () => MasterKeySources, RegExp]>([
    [
      'a named file that does not exist',
      () => ({ file: join(directory, 'no') }),
      /does not exist; make one with.*openssl rand/,
    ],
    [
      'a file that its group can read',
      () => ({ file: file('g', keyOf(1), 0o640) }),
      /can be used by others \(mode 640\); run chmod 600/,
    ],
    [
      'a credential that all can read',
      () => {
        file('hauberk-master-key', keyOf(1), 0o444);
        return { credentialsDirectory: directory };
      },
      /can be used by others/,
    ],
    [
      'a directory',
      () => {
        mkdirSync(join(directory, 'd'), { recursive: true });
        return { file: join(directory, 'd') };
      },
      /is not a plain file/,
    ],
    [
      'a large file',
      () => ({ file: file('large', 'A'.repeat(5_000)) }),
      /has 5000 bytes, at most 4096/,
    ],
    [
      'a short key',
      () => ({ environment: Buffer.alloc(16).toString('base64') }),
      /HAUBERK_MASTER_KEY does not hold a base64 key of 32 bytes/,
    ],
    ['an empty variable', () => ({ environment: '' }), /HAUBERK_MASTER_KEY does not hold/],
    [
      'text that is only nearly base64',
      () => ({ environment: `${keyOf(0).slice(0, -2)}!=` }),
      /does not hold/,
    ],
    ['hex', () => ({ file: file('hex', 'ab'.repeat(32)) }), /does not hold/],
  ])('refuses %s and tries no other source', (_name, sources, reason) => {
    file('master.key', keyOf(4));
    const attempt = (): unknown => read(sources(), true);
    expect(attempt).toThrow(MeshError);
    expect(attempt).toThrow(reason);
  });

  it('never quotes a bad key', () => {
    const nearly = `${keyOf(0x5a)}x`;
    try {
      read({ environment: nearly });
      expect.unreachable();
    } catch (error) {
      expect(messageOf(error)).not.toContain(nearly.slice(0, 12));
    }
  });
});
