import { randomInt } from 'node:crypto';
import type { Json } from '../resources/json-tree.ts';
import type { Resource } from '../resources/resource.ts';
import { fieldIn, isJsonObject, type JsonObject } from './bodies/json-object.ts';

/** What nobody but the server says of an object. */
const SERVER_FIELDS = [
  'uid',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
  'resourceVersion',
];

/** `wanted` with the server's own metadata as it is in `live`, whatever was written. */
export function withServerMetadata(wanted: JsonObject, live: Resource | undefined): JsonObject {
  const written = fieldIn(wanted, 'metadata');
  const own = isJsonObject(written) ? Object.entries(written) : [];
  const kept = own.filter(([key]) => !SERVER_FIELDS.includes(key) && key !== 'generateName');
  const metadata = live?.metadata as Readonly<Record<string, unknown>> | undefined;
  const given = SERVER_FIELDS.filter((key) => key !== 'managedFields').flatMap(
    (key): [string, Json][] => {
      const value = metadata?.[key];
      return value === undefined ? [] : [[key, value as Json]];
    },
  );
  return { ...wanted, metadata: Object.fromEntries([...kept, ...given]) };
}

// Without vowels, and what looks alike, as Kubernetes does.
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const LONGEST_BASE = 248;

/** `wanted` with a name made out of `metadata.generateName` where it has none. */
export function withGeneratedName(wanted: JsonObject): JsonObject {
  const metadata = fieldIn(wanted, 'metadata');
  const base = fieldIn(metadata, 'generateName');
  const name = fieldIn(metadata, 'name');
  if (!isJsonObject(metadata) || typeof base !== 'string' || base === '') return wanted;
  if (typeof name === 'string' && name !== '') return wanted;
  let suffix = '';
  while (suffix.length < SUFFIX_LENGTH) suffix += LETTERS[randomInt(LETTERS.length)] ?? '';
  return { ...wanted, metadata: { ...metadata, name: `${base.slice(0, LONGEST_BASE)}${suffix}` } };
}
