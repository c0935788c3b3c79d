import { existsSync } from 'node:fs';
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
    /cannot write the audit log "\/dev\/full": ENOSPC.*; free space on its disk/,
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
