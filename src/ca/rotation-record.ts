import { MeshError } from '../lib/errors.ts';
import type { KeySlots, Rotation, RotationCourse } from './rotation.ts';

/** Slots as files: those of the current one under their own names, those of the other with a prefix. */
export type SlotFiles = Readonly<Record<string, string>>;

/** How one slot is written. */
export interface SlotCodec<K> {
  encode(slot: K): SlotFiles;
  /** @throws {MeshError} ERR_STORE when it is partial or inconsistent. */
  decode(files: SlotFiles): K;
}

const COURSE = 'rotation.json';
const PREFIX = { distributing: 'next-', retiring: 'old-' } as const;

export function encodeSlots<K>({ current, rotation }: KeySlots<K>, codec: SlotCodec<K>): SlotFiles {
  const files = codec.encode(current);
  if (rotation.phase === 'steady') return files;
  const { other, course } = apart(rotation);
  const prefixed = Object.entries(codec.encode(other)).map(
    ([name, text]) => [PREFIX[rotation.phase] + name, text] as const,
  );
  return { ...files, ...Object.fromEntries(prefixed), [COURSE]: JSON.stringify(course) };
}

/** @throws {MeshError} ERR_STORE when a slot or the course of the rotation cannot be read. */
export function decodeSlots<K>(files: SlotFiles, codec: SlotCodec<K>): KeySlots<K> {
  const current = codec.decode(unprefixed(files, ''));
  const text = files[COURSE];
  if (text === undefined) return { current, rotation: { phase: 'steady' } };
  const { phase, ...course } = parseCourse(text);
  const other = codec.decode(unprefixed(files, PREFIX[phase]));
  return {
    current,
    rotation:
      phase === 'distributing'
        ? { ...course, phase, next: other }
        : { ...course, phase, old: other },
  };
}

type UnderWay<K> = Exclude<Rotation<K>, { phase: 'steady' }>;
type StoredCourse = RotationCourse & { readonly phase: UnderWay<unknown>['phase'] };

function apart<K>(rotation: UnderWay<K>): { readonly other: K; readonly course: StoredCourse } {
  if (rotation.phase === 'distributing') {
    const { next: other, ...course } = rotation;
    return { other, course };
  }
  const { old: other, ...course } = rotation;
  return { other, course };
}

function unprefixed(files: SlotFiles, prefix: string): SlotFiles {
  const prefixes = Object.values(PREFIX);
  const mine = Object.entries(files).filter(([name]) =>
    prefix === '' ? !prefixes.some((each) => name.startsWith(each)) : name.startsWith(prefix),
  );
  return Object.fromEntries(mine.map(([name, text]) => [name.slice(prefix.length), text]));
}

function parseCourse(text: string): StoredCourse {
  const value = parsed(text);
  const { phase, role, compromised, renewWithinMs, waived, startedAtMs, sinceMs } = value;
  if (
    (phase === 'distributing' || phase === 'retiring') &&
    (role === 'root' || role === 'intermediate') &&
    typeof compromised === 'boolean' &&
    Array.isArray(waived) &&
    waived.every((name) => typeof name === 'string') &&
    isTime(renewWithinMs) &&
    isTime(startedAtMs) &&
    isTime(sinceMs)
  ) {
    return { phase, role, compromised, renewWithinMs, waived, startedAtMs, sinceMs };
  }
  throw unreadable();
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, in one sentence for all that may be wrong.
  }
  throw unreadable();
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function unreadable(): MeshError {
  return new MeshError(
    'ERR_STORE',
    `the stored ${COURSE} of the signing authority cannot be read; restore the data directory from a backup`,
  );
}
