import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { programPages } from './program-pages.ts';

const mapping = (head: string, anonymousKib: number, dirtyKib = anonymousKib): string =>
  `${head}\nSize:  8 kB\nRss:  8 kB\nPrivate_Dirty:  ${dirtyKib} kB\nAnonymous:  ${anonymousKib} kB\nVmFlags: rd mr`;

const node = '/opt/my node/bin/node';
const TEXT = `00400000-00402000 r-xp 00000000 fe:01 77   ${node}`;

describe('the pages of a program', () => {
  it('are those of its file that nobody can write and nobody has changed', () => {
    const smaps = [
      mapping(TEXT, 0),
      mapping(`00402000-00403000 r--p 00002000 fe:01 77   ${node}`, 4),
      mapping(`00403000-00404000 rw-p 00003000 fe:01 77   ${node}`, 0),
      mapping('00500000-00502000 r-xp 00000000 fe:01 78   /lib/libc.so.6', 0),
      mapping('00600000-00602000 rw-p 00000000 00:00 0    [heap]', 8),
      mapping('00700000-00702000 r--p 00000000 00:00 0 ', 0),
    ].join('\n');
    expect(programPages(smaps, node)).toEqual([{ address: 0x40_0000n, bytes: 0x2000n }]);
  });

  it('are none where a page may be dirty though it is not anonymous', () => {
    expect(programPages(mapping(TEXT, 0, 4), node)).toEqual([]);
  });

  it('are none where it is not said whether they were changed', () => {
    expect(programPages(`${TEXT}\nRss: 8 kB`, node)).toEqual([]);
    expect(programPages('', node)).toEqual([]);
    expect(programPages('what is this', node)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')("are found in the kernel's own words", () => {
    const smaps = readFileSync('/proc/self/smaps', 'latin1');
    expect(programPages(smaps, process.execPath).length).toBeGreaterThan(0);
  });
});
