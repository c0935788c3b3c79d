import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MeshError } from '../../lib/errors.ts';
import { errorCode, fileProblem } from '../../lib/file-problem.ts';
import { readSmallFile } from '../../lib/small-file.ts';
import { writeWhole } from '../../lib/write-whole.ts';

/** What a sidecar keeps on its disk so that it can come back after a crash. */
export interface StoredTicket {
  readonly id: string;
  /**
   * Oldest first. Each is the successor of the one before it; more than one while it is not known
   * which of them the control plane has heard of.
   */
  readonly secrets: readonly [string, ...string[]];
  readonly trustDomain: string;
  /** PEM: by them the control plane is known when the sidecar comes back. */
  readonly roots: string;
  /** SHA-256 of the enrolment token that began it: another token means that the operator wants another identity. */
  readonly enrolledWith: string | undefined;
  readonly expiresAtMs: number;
}

export interface ReturnTicketFile {
  /** Undefined when there is none, or none that can be used. */
  read(): StoredTicket | undefined;
  /** On the disk when it returns. @throws {MeshError} ERR_STORE, and what was there stays. */
  write(ticket: StoredTicket): void;
  /** @throws {MeshError} ERR_STORE. */
  remove(): void;
}

const NAME = 'return-ticket.json';
const LARGEST_BYTES = 256 * 1024;

/** The ticket of a state directory, readable by its owner only. `problem` is told why one cannot be used. */
export function returnTicketFile(
  directory: string,
  problem: (sentence: string) => void,
): ReturnTicketFile {
  const path = join(directory, NAME);
  return {
    read() {
      try {
        return readTicket(path);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined;
        const named = MeshError.is(error);
        const text = named ? error.message : `the return ticket ${path}: ${fileProblem(error)}`;
        problem(`${text}; it is not used`);
        return undefined;
      }
    },
    write(ticket) {
      try {
        writeWhole(path, JSON.stringify(ticket));
      } catch (cause) {
        const text = `cannot write the return ticket ${path}: ${fileProblem(cause)}`;
        throw new MeshError('ERR_STORE', text, { cause });
      }
    },
    remove() {
      try {
        rmSync(path, { force: true });
      } catch (cause) {
        const text = `cannot remove the return ticket ${path} of the identity before: ${fileProblem(cause)}`;
        throw new MeshError('ERR_STORE', text, { cause });
      }
    },
  };
}

function readTicket(path: string): StoredTicket {
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0) throw new Error('others can read it; remove it and enrol anew');
  const text = readSmallFile({ path, what: 'return ticket', maxBytes: LARGEST_BYTES });
  let value: Partial<Record<keyof StoredTicket, unknown>>;
  try {
    value = JSON.parse(text);
  } catch {
    // Not with the parser's words: they quote the text, which is a secret.
    throw new Error('it is not JSON');
  }
  const { id, secrets, trustDomain, roots, enrolledWith, expiresAtMs } = value ?? {};
  const isText = (each: unknown): each is string => typeof each === 'string' && each !== '';
  const good =
    isText(id) &&
    isText(trustDomain) &&
    isText(roots) &&
    typeof expiresAtMs === 'number' &&
    (enrolledWith === undefined || isText(enrolledWith)) &&
    Array.isArray(secrets) &&
    secrets.length > 0 &&
    secrets.every(isText);
  if (!good) throw new Error('it is not complete');
  return {
    ...{ id, trustDomain, roots, expiresAtMs, enrolledWith },
    secrets: secrets as unknown as StoredTicket['secrets'],
  };
}
