import { appendFileSync, closeSync, openSync } from 'node:fs';
import type { ControlEvents } from '../control/control-events.ts';
import type { Clock } from '../lib/clock.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { keyText } from '../resources/resource.ts';

export interface AuditLog {
  readonly events: ControlEvents;
  close(): void;
}

/**
 * Writes who was given what, and who changed what, as one JSON object a line, appended to `path`
 * (0600). Secrets are not in the events, so they cannot be in the log.
 *
 * @throws {MeshError} ERR_STORE when the file cannot be opened.
 */
export function openAuditLog(path: string, clock: Clock): AuditLog {
  const file = open(path);
  const write = (event: string, outcome: 'success' | 'failure', fields: object): void => {
    const time = new Date(clock.now()).toISOString();
    appendFileSync(file, `${JSON.stringify({ time, event, outcome, ...fields })}\n`);
  };
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    close: () => closeSync(file),
    events: {
      certificateIssued: ({ id, serial, notAfterMs, by, peerAddress }) =>
        write('certificate.issue', 'success', {
          id,
          serial,
          notAfter: iso(notAfterMs),
          by,
          peerAddress,
        }),
      certificateRefused: ({ code, reason, id, peerAddress }) =>
        write('certificate.issue', 'failure', { id, code, reason, peerAddress }),
      certificateRevoked: ({ serial, id, reason, actor }) =>
        write('certificate.revoke', 'success', { serial, id, reason, actor }),
      tokenCreated: ({ tokenId, namespace, serviceAccount, expiresAtMs }) =>
        write('token.create', 'success', {
          tokenId,
          serviceAccount: `${namespace}/${serviceAccount}`,
          expiresAt: iso(expiresAtMs),
        }),
      resourcesChanged: ({ actor, changes }) => {
        for (const { key, action, resourceVersion } of changes) {
          write(`resource.${action}`, 'success', {
            actor,
            resource: keyText(key),
            resourceVersion,
          });
        }
      },
      agentConnected: (event) => write('agent.connect', 'success', event),
      agentDisconnected: (event) => write('agent.disconnect', 'success', event),
      factsRejected: (event) => write('facts.reject', 'failure', event),
      authorityRenewed: (event) => write('authority.renew', 'success', event),
      backupTaken: (event) => write('backup.take', 'success', event),
      backupRestored: (event) => write('backup.restore', 'success', event),
      taskFailed: (event) => write('task.fail', 'failure', event),
    },
  };
}

function open(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    throw new MeshError('ERR_STORE', `cannot write the audit log "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
}
