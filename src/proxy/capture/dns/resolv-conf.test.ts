import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseResolvConf, Resolvers } from './resolv-conf.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-resolv-'));
const path = join(directory, 'resolv.conf');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('resolv.conf', () => {
  it('names up to three servers, among other things', () => {
    const text = `# comment
search lan
nameserver 10.0.0.53
nameserver\tfd00::53
options ndots:2
nameserver not.an.address
nameserver 10.0.0.54
nameserver 10.0.0.55
`;
    expect(parseResolvConf(text).map(({ host }) => host)).toEqual([
      ...['10.0.0.53', 'fd00::53', '10.0.0.54'],
    ]);
  });

  it('means this host itself when it names nobody', () => {
    expect(parseResolvConf('search lan\n')).toEqual([{ host: '127.0.0.1', port: 53 }]);
  });

  it('is read again when it has changed, and never leads back to who asks', () => {
    const resolvers = new Resolvers(path, [{ host: '10.0.0.9', port: 53 }]);
    expect(resolvers.current).toEqual([{ host: '127.0.0.1', port: 53 }]);
    writeFileSync(path, 'nameserver 10.0.0.1\n');
    expect(resolvers.current).toEqual([{ host: '10.0.0.1', port: 53 }]);
    writeFileSync(path, 'nameserver 10.0.0.9\nnameserver 10.0.0.22\n');
    expect(resolvers.current).toEqual([{ host: '10.0.0.22', port: 53 }]);
    rmSync(path);
    expect(resolvers.current).toEqual([{ host: '10.0.0.22', port: 53 }]);
  });
});
