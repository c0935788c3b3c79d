import { MeshError } from '../lib/errors.ts';

export type AuthorityRole = 'root' | 'intermediate';

/** What is to be replaced, and how. */
export interface RotationOrder {
  readonly role: AuthorityRole;
  /** Whether the old key may be in other hands: nobody who is away is waited for, and it is revoked. */
  readonly compromised: boolean;
  /** Within how long the workloads renew what the old key has signed, in milliseconds. */
  readonly renewWithinMs: number;
  /** Names that are not waited for. */
  readonly waived: readonly string[];
}

/** What is remembered of a rotation under way. Times are in milliseconds since 1970. */
export interface RotationCourse extends RotationOrder {
  readonly startedAtMs: number;
  /** Since when it is in its present phase. */
  readonly sinceMs: number;
}

/** Where a rotation stands; what is in the slots beside the current one depends on it. */
export type Rotation<K> =
  | { readonly phase: 'steady' }
  /** `next` is being made known to everybody and signs nothing yet. */
  | (RotationCourse & { readonly phase: 'distributing'; readonly next: K })
  /** `old` signs nothing any more and is trusted until nobody needs it. */
  | (RotationCourse & { readonly phase: 'retiring'; readonly old: K });

/** The key slots of an authority: one that signs, and at most one that is coming or going. */
export interface KeySlots<K> {
  readonly current: K;
  readonly rotation: Rotation<K>;
}

/** @throws {MeshError} ERR_CONFLICT when one is under way: two at a time would need three slots. */
export function prepare<K>(
  { current, rotation }: KeySlots<K>,
  next: K,
  { nowMs, ...order }: RotationOrder & { readonly nowMs: number },
): KeySlots<K> {
  if (rotation.phase !== 'steady') throw underWay(rotation);
  const times = { startedAtMs: nowMs, sinceMs: nowMs };
  return { current, rotation: { ...order, ...times, phase: 'distributing', next } };
}

/** @throws {MeshError} ERR_CONFLICT when nothing is being distributed. */
export function activate<K>({ current, rotation }: KeySlots<K>, nowMs: number): KeySlots<K> {
  if (rotation.phase !== 'distributing') throw notIn('distributing');
  const { next, ...course } = rotation;
  return {
    current: next,
    rotation: { ...course, sinceMs: nowMs, phase: 'retiring', old: current },
  };
}

/** @throws {MeshError} ERR_CONFLICT when nothing is being retired. */
export function retire<K>({ current, rotation }: KeySlots<K>): KeySlots<K> {
  if (rotation.phase !== 'retiring') throw notIn('retiring');
  return { current, rotation: { phase: 'steady' } };
}

/**
 * Gives up a rotation that has changed nothing yet: the next key is forgotten, who trusts it trusts it
 * no more.
 *
 * @throws {MeshError} ERR_CONFLICT when the next key signs already, when the old one was said to be
 *   compromised, and when there is no rotation.
 */
export function abort<K>({ current, rotation }: KeySlots<K>): KeySlots<K> {
  if (rotation.phase === 'steady') {
    throw new MeshError('ERR_CONFLICT', 'no rotation is under way, so there is none to abort');
  }
  if (rotation.phase === 'retiring') {
    const since = new Date(rotation.sinceMs).toISOString();
    throw new MeshError(
      'ERR_CONFLICT',
      `the new ${rotation.role} signs since ${since}, and certificates of it are in use; it is too late to abort. To go back to a key that is not this one, let the rotation end and begin another`,
    );
  }
  if (rotation.compromised) {
    throw new MeshError(
      'ERR_CONFLICT',
      `the present ${rotation.role} was said to be compromised, which cannot be unsaid; the rotation goes on. \`hauberk ca rotate --waive NAME\` hastens it`,
    );
  }
  return { current, rotation: { phase: 'steady' } };
}

/**
 * Changes a rotation under way: who is not waited for, and that its old key turned out to be in
 * other hands, which cannot be unsaid.
 *
 * @throws {MeshError} ERR_CONFLICT when none is under way.
 */
export function amend<K>(
  { current, rotation }: KeySlots<K>,
  { waive, compromised }: { readonly waive: readonly string[]; readonly compromised: boolean },
): KeySlots<K> {
  if (rotation.phase === 'steady') throw notIn('distributing');
  const waived = [...new Set([...rotation.waived, ...waive])];
  const grave = rotation.compromised || compromised;
  const renewWithinMs = grave ? 0 : rotation.renewWithinMs;
  return { current, rotation: { ...rotation, waived, compromised: grave, renewWithinMs } };
}

/** The same with other things in the slots. */
export function mapSlots<K, L>(
  { current, rotation }: KeySlots<K>,
  to: (slot: K) => L,
): KeySlots<L> {
  switch (rotation.phase) {
    case 'steady':
      return { current: to(current), rotation };
    case 'distributing':
      return { current: to(current), rotation: { ...rotation, next: to(rotation.next) } };
    case 'retiring':
      return { current: to(current), rotation: { ...rotation, old: to(rotation.old) } };
  }
}

/** What is in use, the current one first; what any of them says is to be trusted. */
export function inUse<K>({ current, rotation }: KeySlots<K>): readonly [K, ...K[]] {
  switch (rotation.phase) {
    case 'steady':
      return [current];
    case 'distributing':
      return [current, rotation.next];
    case 'retiring':
      return [current, rotation.old];
  }
}

function underWay({ role, phase }: Exclude<Rotation<unknown>, { phase: 'steady' }>): MeshError {
  return new MeshError(
    'ERR_CONFLICT',
    `a rotation of the ${role} is under way (${phase}); \`hauberk ca status\` says what it waits for, \`hauberk ca rotate --waive NAME\` and \`--compromised\` hasten it`,
  );
}

function notIn(phase: 'distributing' | 'retiring'): MeshError {
  return new MeshError('ERR_CONFLICT', `no rotation is ${phase}; see \`hauberk ca status\``);
}
