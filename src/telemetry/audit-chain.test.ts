import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { hashOfLine, verifyChain } from './audit-chain.ts';
import { openAuditLog } from './audit-log.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-audit-'));
  path = join(directory, 'audit.log');
});
afterEach(() => rmSync(directory, { recursive: true }));

function record(count: number): void {
  const { events, close } = openAuditLog(path, new ManualClock());
  for (let index = 0; index < count; index += 1) {
    events.taskFailed({ task: 'count', reason: String(index) });
  }
  close();
}

function lines(): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

it('goes on over restarts', async () => {
  record(3);
  record(2);
  const verdict = await verifyChain(lines());
  expect(verdict).toMatchObject({ whole: true, lines: 5, unchained: 0 });
});

it.each([
  ['altered', (all: string[]) => all.with(1, (all[1] ?? '').replace('"1"', '"9"')), 3],
  ['removed', (all: string[]) => all.toSpliced(2, 1), 3],
  ['put in', (all: string[]) => all.toSpliced(2, 0, all[1] ?? ''), 3],
  ['swapped', (all: string[]) => all.with(1, all[2] ?? '').with(2, all[1] ?? ''), 2],
  ['broken', (all: string[]) => all.with(2, '{"event":'), 3],
  ['unchained', (all: string[]) => all.with(2, '{"event":"x"}'), 3],
])('shows where a line was %s', async (_, change, line) => {
  record(5);
  expect(await verifyChain(change(lines()))).toMatchObject({ whole: false, line });
});

it('shows that the end was cut off to who kept the hash of a line', async () => {
  record(5);
  const kept = hashOfLine(lines()[4] ?? '');
  expect(await verifyChain(lines(), kept)).toMatchObject({ whole: true, expected: true });
  expect(await verifyChain(lines().slice(0, 4), kept)).toMatchObject({ expected: false });
});

it('begins after what an older version wrote', async () => {
  writeFileSync(path, '{"event":"old"}\n{"event":"old"}\n');
  record(2);
  expect(await verifyChain(lines())).toMatchObject({ whole: true, lines: 4, unchained: 2 });
});

it('goes on in a line of its own after half a line', async () => {
  record(2);
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"event":"ha`);
  record(1);
  expect(await verifyChain(lines())).toMatchObject({ whole: false, line: 3 });
});
