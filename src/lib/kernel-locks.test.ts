import { statSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type KernelLock, parseKernelLocks } from './kernel-locks.ts';

it('reads the list as Linux writes it', () => {
  const list = [
    '1: POSIX  ADVISORY  WRITE 4711 fd:01:815 1073741824 1073742335',
    '2: FLOCK  ADVISORY  WRITE 12 00:2f:9007199254740993 0 EOF',
    '2: -> FLOCK  ADVISORY  WRITE 13 00:2f:9007199254740993 0 EOF',
    '3: OFDLCK ADVISORY  READ -1 103:00002:7 0 EOF',
    '4: LEASE  ACTIVE    READ 14 fd:01:816 0 EOF',
    '5: POSIX  *NOINODE* WRITE 15 <none>:0 0 EOF',
    '6: ACCESS ADVISORY  READ 16 fd:01:817 0 EOF',
    '',
  ].join('\n');
  expect(parseKernelLocks(list)).toEqual([
    { kind: 'POSIX', access: 'WRITE', pid: 4711, device: 0xfd01n, inode: 815n },
    { kind: 'FLOCK', access: 'WRITE', pid: 12, device: 0x2fn, inode: 9_007_199_254_740_993n },
    { kind: 'OFDLCK', access: 'READ', pid: undefined, device: 0x1_0302n, inode: 7n },
  ]);
});

it('numbers devices as stat(2) does', () => {
  const { dev } = statSync('/proc', { bigint: true });
  // Those of /proc and other file systems without a disk have the major number 0.
  const line = `1: FLOCK  ADVISORY  WRITE 1 00:${dev.toString(16).padStart(2, '0')}:1 0 EOF\n`;
  expect(parseKernelLocks(line)[0]?.device).toBe(dev);
});

const kinds = fc.constantFrom('FLOCK', 'POSIX', 'OFDLCK');
const entry = fc.record({
  ...{ kind: kinds, access: fc.constantFrom('READ', 'WRITE'), waits: fc.boolean() },
  pid: fc.oneof(fc.constant(-1), fc.constant(0), fc.integer({ min: 1, max: 4_194_304 })),
  ...{ major: fc.nat(0xfff), minor: fc.nat(0xf_ffff), inode: fc.bigInt(1n, 2n ** 64n - 1n) },
});

it('gives back each lock that somebody has, and nobody who waits', () => {
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const hex = (value: number): string => value.toString(16).padStart(2, '0');
      const text = entries.map(
        ({ kind, access, waits, pid, major, minor, inode }, at) =>
          `${at + 1}: ${waits ? '-> ' : ''}${kind.padEnd(6)} ADVISORY  ${access} ${pid} ${hex(major)}:${hex(minor)}:${inode} 0 EOF\n`,
      );
      const expected = entries
        .filter(({ waits }) => !waits)
        .map(({ kind, access, pid, major, minor, inode }) => ({
          ...{ kind, access, inode, pid: pid > 0 ? pid : undefined },
          // The kernel's own new_encode_dev, in numbers that JavaScript has.
          device: BigInt((minor % 256) + major * 256) + BigInt(Math.floor(minor / 256)) * 2n ** 20n,
        }));
      expect(parseKernelLocks(text.join(''))).toEqual(expected);
    }),
  );
});

it('takes any text, and names nobody from what is not its form', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const lock of parseKernelLocks(text)) expect(lock).toSatisfy(isWellFormed);
    }),
  );
  const good = '1: FLOCK  ADVISORY  WRITE 12 00:2f:8 0 EOF';
  for (let at = 0; at < good.length - 5; at += 1) {
    // A line that was cut is no lock.
    expect(parseKernelLocks(good.slice(0, at))).toEqual([]);
  }
});

function isWellFormed({ pid, device, inode }: KernelLock): boolean {
  return (pid === undefined || pid > 0) && device >= 0n && inode >= 0n;
}
