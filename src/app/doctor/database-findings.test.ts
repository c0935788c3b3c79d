import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openIssuanceLedger } from '../../control/issuance/issuance-ledger-file.ts';
import { databaseFindings } from './database-findings.ts';

let directory: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-quick-'));
  const ledger = openIssuanceLedger({ path: join(directory, 'issued.db') });
  const about = { issuerSerial: '01', attestor: 'test', peerAddress: 'here' };
  const times = { notBeforeMs: 0, notAfterMs: 1e13, issuedAtMs: 0 };
  await Promise.all(
    Array.from({ length: 2_000 }, (_, at) =>
      ledger.record({ serial: at.toString(16), id: `spiffe://x/${at}`, ...about, ...times }),
    ),
  );
  ledger.close();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const findings = () => databaseFindings(directory).map(({ level, what }) => `${level}: ${what}`);

it('finds a sound ledger sound, and says nothing of a file that is not there', () => {
  expect(findings()).toEqual([`ok: "${join(directory, 'issued.db')}" is sound`]);
});

it.each([
  ['in its middle', (bytes: Buffer) => bytes.fill(0xa5, 8_192, 60_000)],
  ['from its first byte on', (bytes: Buffer) => bytes.fill(0xa5)],
])('finds one that was overwritten %s damaged, with what to do', (_where, damage) => {
  const path = join(directory, 'issued.db');
  writeFileSync(path, damage(readFileSync(path)));
  expect(findings()).toEqual([`problem: "${path}" is damaged`]);
  expect(databaseFindings(directory)[0]?.action).toContain('move the file away');
});
