import { appendFileSync, closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import type { ControlEvents } from '../control/control-events.ts';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { keyText } from '../resources/resource.ts';
import { CHAIN_START, hashOfLine } from './audit-chain.ts';

export interface AuditLog {
  readonly events: ControlEvents;
  close(): void;
}

type WriteLine = (event: string, outcome: 'success' | 'failure', fields: object) => void;

/**
 * Writes who was given what, and who changed what, as one JSON object a line, appended to `path`
 * (0600). Each line names the one before it by its hash, so that none can be altered or taken out
 * unseen. Secrets are not in the events, so they cannot be in the log.
 *
 * A line that cannot be written refuses what it would record (ERR_STORE), unless nothing is granted
 * or changed by it; the next line says how many are missing.
 *
 * @throws {MeshError} ERR_STORE when the file cannot be opened.
 */
export function openAuditLog(path: string, clock: Clock): AuditLog {
  const file = open(path);
  let lost = 0;
  let previous = lastHash(file);
  /** For what grants or changes something: it must not happen unseen. */
  const write: WriteLine = (event, outcome, fields) => {
    const time = new Date(clock.now()).toISOString();
    const missing = lost === 0 ? {} : { linesLostBefore: lost };
    const line = JSON.stringify({ time, event, outcome, ...fields, ...missing, previous });
    try {
      appendWhole(file, `${line}\n`);
      previous = hashOfLine(line);
      lost = 0;
    } catch (cause) {
      lost += 1;
      throw new MeshError(
        'ERR_STORE',
        `cannot write the audit log "${path}": ${fileProblem(cause)}`,
        { cause },
      );
    }
  };
  /** For what only happened: the mesh goes on, and the next line that can be written has the gap. */
  const mention: WriteLine = (event, outcome, fields) => {
    try {
      write(event, outcome, fields);
    } catch (error) {
      if (!MeshError.is(error, 'ERR_STORE')) throw error;
    }
  };
  return { close: () => closeSync(file), events: auditedEvents(write, mention) };
}

/** `mention` may fail without anybody being refused anything. */
function auditedEvents(write: WriteLine, mention: WriteLine): ControlEvents {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    certificateIssued: ({ id, serial, notAfterMs, by, peerAddress }) =>
      write('certificate.issue', 'success', {
        id,
        serial,
        notAfter: iso(notAfterMs),
        by,
        peerAddress,
      }),
    certificateRefused: ({ code, reason, id, peerAddress }) =>
      mention('certificate.issue', 'failure', { id, code, reason, peerAddress }),
    certificateRevoked: ({ serial, id, reason, actor }) =>
      write('certificate.revoke', 'success', { serial, id, reason, actor }),
    tokenCreated: ({ namespace, serviceAccount, expiresAtMs, ...event }) => {
      const about = {
        serviceAccount: `${namespace}/${serviceAccount}`,
        expiresAt: iso(expiresAtMs),
      };
      write('token.create', 'success', { ...event, ...about });
    },
    tokenIssued: ({ type, expiresAtMs, ...event }) =>
      write('token.issue', 'success', { type, ...event, expiresAt: iso(expiresAtMs) }),
    credentialTold: ({ namespace, name, rule, problem, isShown: withKey, id }) => {
      const fields = { id, secret: `${namespace}/${name}`, rule };
      if (problem !== undefined)
        mention('credential.give', 'failure', { ...fields, reason: problem });
      else write('credential.give', 'success', { ...fields, withKey });
    },
    fallbackReported: ({ id, workload, use: { policy, mode, whose, count } }) =>
      mention('fallback.use', 'success', { id, workload, policy, mode, whose, count }),
    ticketReused: (event) => mention('return-ticket.reuse', 'failure', event),
    tokenKeysChanged: (event) => mention('token-keys.change', 'success', event),
    resourcesChanged: ({ actor, changes, request }) => {
      for (const { key, action, resourceVersion, fromVersion } of changes) {
        const versions = { resourceVersion, fromVersion };
        const fields = { actor, resource: keyText(key), ...versions, ...request };
        write(`resource.${action}`, 'success', fields);
      }
    },
    agentConnected: (event) => mention('agent.connect', 'success', event),
    agentDisconnected: (event) => mention('agent.disconnect', 'success', event),
    factsRejected: (event) => mention('facts.reject', 'failure', event),
    authorityRotated: ({ step, ...event }) => write(`authority.${step}`, 'success', event),
    bundleReceived: (event) => mention('bundle.receive', 'success', event),
    backupTaken: (event) => write('backup.take', 'success', event),
    backupRestored: (event) => write('backup.restore', 'success', event),
    taskFailed: ({ about, ...event }) =>
      mention('task.fail', 'failure', { ...event, ...(about && { about: keyText(about) }) }),
  };
}

function open(path: string): number {
  try {
    const file = openSync(path, 'a+', 0o600);
    if (!fstatSync(file).isFIFO()) return file;
    closeSync(file);
    // Full, it would hold up the control plane; and nobody could prove anything by it.
    throw new Error('it is a pipe; move that away');
  } catch (cause) {
    throw new MeshError(
      'ERR_STORE',
      `cannot write the audit log "${path}": ${fileProblem(cause)}`,
      {
        cause,
      },
    );
  }
}

/** Half a line, when the disk is full, would spoil the next one. */
function appendWhole(file: number, text: string): void {
  const { size } = fstatSync(file);
  try {
    appendFileSync(file, text);
  } catch (error) {
    if (fstatSync(file).size > size) ftruncateSync(file, size);
    throw error;
  }
}

const TAIL_BYTES = 1024 * 1024;

/** What the next line follows. Half a line at the end, of a crash, is closed first. */
function lastHash(file: number): string {
  const stat = fstatSync(file);
  if (!stat.isFile() || stat.size === 0) return CHAIN_START;
  const tail = Buffer.alloc(Math.min(stat.size, TAIL_BYTES));
  readSync(file, tail, 0, tail.length, stat.size - tail.length);
  const text = tail.toString();
  if (!text.endsWith('\n')) appendFileSync(file, '\n');
  return hashOfLine(text.replace(/\n$/, '').split('\n').at(-1) ?? '');
}
