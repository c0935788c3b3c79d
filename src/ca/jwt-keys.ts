import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { MeshError, messageOf } from '../lib/errors.ts';
import { generateKeyPair, type KeyAlgorithm } from '../x509/key-pair.ts';
import { exportSpki } from '../x509/spki.ts';

/** The kinds of keys that tokens can be signed with. */
export type JwtKeyAlgorithm = Exclude<KeyAlgorithm, 'ed25519'>;

/** A key that signs tokens. */
export interface JwtKey {
  readonly keyId: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly createdAtMs: number;
  /** No token that it signed is good after this time. */
  readonly usedUntilMs: number;
}

/** All keys whose tokens are believed. */
export interface JwtKeys {
  /** Signs. */
  readonly current: JwtKey;
  readonly currentSinceMs: number;
  /** Published already, signs nothing yet. */
  readonly next: JwtKey | undefined;
  /** Sign nothing any more; kept until the last token that they signed has expired. */
  readonly retired: readonly JwtKey[];
}

/** How long a key signs, and how long it is published before. */
export interface JwtKeyPeriods {
  readonly signingMs: number;
  readonly aheadMs: number;
}

export type JwtKeyAction = 'prepare' | 'activate' | 'retire' | 'none';

/** What is due now; one step at a time. */
export function jwtKeyAction(
  { currentSinceMs, next, retired }: JwtKeys,
  { signingMs, aheadMs }: JwtKeyPeriods,
  nowMs: number,
): JwtKeyAction {
  const endsAtMs = currentSinceMs + signingMs;
  if (next === undefined && nowMs >= endsAtMs - aheadMs) return 'prepare';
  const nextIsKnown = next !== undefined && nowMs >= next.createdAtMs + aheadMs;
  if (nextIsKnown && nowMs >= endsAtMs) return 'activate';
  return retired.some(({ usedUntilMs }) => nowMs >= usedUntilMs) ? 'retire' : 'none';
}

/** The keys after a step. `fresh` is called where one needs a new key. */
export function afterJwtKeyAction(
  keys: JwtKeys,
  action: JwtKeyAction,
  { nowMs, fresh }: { readonly nowMs: number; readonly fresh: () => JwtKey },
): JwtKeys {
  const { current, next, retired } = keys;
  switch (action) {
    case 'prepare':
      return { ...keys, next: fresh() };
    case 'activate':
      return {
        current: next ?? fresh(),
        currentSinceMs: nowMs,
        next: undefined,
        retired: [current, ...retired],
      };
    case 'retire':
      return { ...keys, retired: retired.filter(({ usedUntilMs }) => nowMs < usedUntilMs) };
    case 'none':
      return keys;
  }
}

/** Its ID is the SHA-256 of the public key, as Kubernetes names its own. */
export function newJwtKey(algorithm: JwtKeyAlgorithm, nowMs: number): JwtKey {
  return { ...withId(generateKeyPair(algorithm).privateKey), createdAtMs: nowMs, usedUntilMs: 0 };
}

function withId(privateKey: KeyObject) {
  const publicKey = createPublicKey(privateKey);
  const keyId = createHash('sha256').update(exportSpki(publicKey)).digest('base64url');
  return { keyId, publicKey, privateKey };
}

/** The stored form, which holds the private keys as PEM. */
export function encodeJwtKeys({ current, currentSinceMs, next, retired }: JwtKeys): string {
  const text = ({ privateKey, createdAtMs, usedUntilMs }: JwtKey): object => ({
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    createdAtMs,
    usedUntilMs,
  });
  return JSON.stringify({
    current: text(current),
    currentSinceMs,
    ...(next === undefined ? {} : { next: text(next) }),
    retired: retired.map(text),
  });
}

interface KeyText {
  readonly key: string;
  readonly createdAtMs: number;
  readonly usedUntilMs: number;
}

/** @throws {MeshError} ERR_STORE when it is not what `encodeJwtKeys` makes. */
export function decodeJwtKeys(text: string): JwtKeys {
  const key = ({ key: pem, createdAtMs, usedUntilMs }: KeyText): JwtKey => ({
    ...withId(createPrivateKey(pem)),
    createdAtMs,
    usedUntilMs,
  });
  try {
    const { current, currentSinceMs, next, retired } = JSON.parse(text) as {
      readonly current: KeyText;
      readonly currentSinceMs: number;
      readonly next?: KeyText;
      readonly retired: readonly KeyText[];
    };
    return {
      current: key(current),
      currentSinceMs,
      next: next && key(next),
      retired: retired.map(key),
    };
  } catch (cause) {
    // The cause could quote the key.
    throw new MeshError(
      'ERR_STORE',
      'the stored keys for tokens cannot be read; restore a backup',
      {
        cause: MeshError.is(cause) ? cause : new Error(messageOf(cause).slice(0, 40)),
      },
    );
  }
}
