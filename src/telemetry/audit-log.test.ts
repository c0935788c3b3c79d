import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { openAuditLog } from './audit-log.ts';

// Every write to it fails with ENOSPC; only Linux has it, and Hauberk runs on Linux.
const FULL = '/dev/full';

it('has a full disk to be tried on', () => expect(existsSync(FULL)).toBe(true));

it('refuses what it cannot record on a full disk, in one sentence that says what to do', () => {
  const { events, close } = openAuditLog(FULL, new ManualClock());
  const token = {
    tokenId: 't',
    namespace: 'shop',
    serviceAccount: 'reviews',
    actor: 'admin',
    expiresAtMs: 0,
  };
  expect(() => events.tokenCreated(token)).toThrow(
    /cannot write the audit log "\/dev\/full": the disk is full; free some space there/,
  );
  close();
});

it('lets the mesh go on when only something that happened cannot be recorded', () => {
  const { events, close } = openAuditLog(FULL, new ManualClock());
  expect(() => {
    events.agentConnected({ id: 'spiffe://td/ns/a/sa/b', workload: 'a/b' });
    events.taskFailed({ task: 'sweep', reason: 'disk full' });
    events.certificateRefused({ code: 'ERR_STORE', reason: 'x', id: undefined, peerAddress: 'y' });
  }).not.toThrow();
  close();
});

it('refuses a pipe, which would hold the control plane up once it is full', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-audit-'));
  const path = join(directory, 'audit.log');
  execFileSync('mkfifo', [path]);
  expect(() => openAuditLog(path, new ManualClock())).toThrow(
    `cannot write the audit log "${path}": it is a pipe; move that away`,
  );
  rmSync(directory, { recursive: true });
});
