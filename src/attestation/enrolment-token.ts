import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';

/**
 * The text that lets one workload enrol: `hbk1.<id>.<secret>.<pin>`. The pin is the SHA-256 of the
 * mesh's root certificate, so the workload knows its control plane before it trusts anything else.
 */
export interface EnrolmentToken {
  readonly id: string;
  readonly secret: string;
  /** SHA-256 of the root certificate's DER, lower-case hex. */
  readonly rootFingerprint: string;
}

const GRAMMAR = /^hbk1\.([a-z0-9]{16})\.([A-Za-z0-9_-]{43})\.([a-f0-9]{64})$/;
const LONGEST_TEXT = 256;

/** A token that nobody can guess: 256 random bits of secret. */
export function newEnrolmentToken(rootFingerprint: string): EnrolmentToken {
  return {
    id: randomBytes(8).toString('hex'),
    secret: randomBytes(32).toString('base64url'),
    rootFingerprint,
  };
}

export function formatEnrolmentToken({ id, secret, rootFingerprint }: EnrolmentToken): string {
  return `hbk1.${id}.${secret}.${rootFingerprint}`;
}

/** @throws {MeshError} ERR_UNAUTHENTICATED; the text itself is a secret and is not quoted. */
export function parseEnrolmentToken(text: string): EnrolmentToken {
  const [, id, secret, rootFingerprint] =
    (text.length <= LONGEST_TEXT && GRAMMAR.exec(text.trim())) || [];
  if (id === undefined || secret === undefined || rootFingerprint === undefined) {
    throw new MeshError(
      'ERR_UNAUTHENTICATED',
      'the enrolment token is not in the form hbk1.<id>.<secret>.<pin>; copy the whole line that `hauberk token create` printed',
    );
  }
  return { id, secret, rootFingerprint };
}

/** What is stored of the secret. A plain hash suffices: the secret has 256 random bits. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares without telling by its timing how much was right. */
export function secretMatches(secret: string, storedHash: string): boolean {
  const given = Buffer.from(hashSecret(secret), 'hex');
  const stored = Buffer.from(storedHash, 'hex');
  return given.length === stored.length && timingSafeEqual(given, stored);
}
