import { MeshError } from '../lib/errors.ts';
import { passphraseBox } from '../lib/passphrase-box.ts';
import type { CustomResourceDefinition } from '../resources/kinds/custom-resource-definition.ts';
import { builtInKinds, kindOf } from '../resources/kinds.ts';
import { keyOf, qualify, type Resource } from '../resources/resource.ts';
import type { Store } from '../store/store.ts';
import { DEFINITION_KIND } from './defined-kinds.ts';

/**
 * The state of a mesh at one version: the authority, the tokens, and all resources. Without the
 * policies too, a restored control plane would tell its agents that none exist.
 */
export interface Backup {
  readonly trustDomain: string;
  readonly createdAtMs: number;
  /** Of the store. */
  readonly version: number;
  readonly resources: readonly Resource[];
}

const MAX_BYTES = 64 * 1024 * 1024;
const MOST_ATTEMPTS = 100;

/** The file: scrypt, AES-256-GCM, JSON. Another layout gets another number. */
const box = passphraseBox({ format: 'hauberk-backup 1', maxBytes: MAX_BYTES });

/** The largest file that `openBackup` reads. */
export const MAX_BACKUP_BYTES: number = MAX_BYTES + 1_024;

/** Everything that is in the store, at one version of it, but what is observed and forgotten. */
export async function takeBackup(
  store: Store,
  { trustDomain, nowMs }: { readonly trustDomain: string; readonly nowMs: number },
): Promise<Backup> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const { version } = store;
    // Of whatever kind, also of those that people have defined.
    const kinds = new Set((await store.knownKeys()).map(({ kind }) => kind));
    const kept = [...kinds].filter((kind) => builtInKinds.byQualifiedKind(kind)?.passing !== true);
    const lists = await Promise.all(kept.map((kind) => store.list(kind)));
    if (store.version !== version || lists.some((list) => list.version !== version)) continue;
    const resources = lists.flatMap(({ items }) => items);
    return { trustDomain, createdAtMs: nowMs, version, resources };
  }
  throw new MeshError('ERR_CONFLICT', 'the store changes too fast for a backup; try again');
}

/** @throws {MeshError} ERR_LIMIT above 64 MiB of resources; ERR_USAGE for a short passphrase. */
export function sealBackup(backup: Backup, passphrase: string): Promise<Uint8Array> {
  return box.seal(Buffer.from(JSON.stringify(backup)), passphrase);
}

/**
 * @throws {MeshError} ERR_WIRE when the file is no backup, ERR_SEAL when the passphrase is another
 *   one or the file was altered, ERR_RESOURCE when it holds what this version does not know.
 */
export async function openBackup(file: Uint8Array, passphrase: string): Promise<Backup> {
  const plain = await box.open(file, passphrase);
  const backup = JSON.parse(Buffer.from(plain).toString()) as Backup;
  const defined = new Set(backup.resources.flatMap(definedKind));
  const unknown = backup.resources.find(
    (resource) =>
      kindOf(resource) === undefined &&
      keyOf(resource).kind !== DEFINITION_KIND &&
      !defined.has(keyOf(resource).kind),
  );
  if (unknown === undefined) return backup;
  throw new MeshError(
    'ERR_RESOURCE',
    `the backup holds a ${unknown.kind} of ${unknown.apiVersion}, which this version does not know; restore it with the Hauberk that made it`,
  );
}

/** The kind that a CustomResourceDefinition defines. */
function definedKind(resource: Resource): readonly string[] {
  if (keyOf(resource).kind !== DEFINITION_KIND) return [];
  const { group, names } = (resource as CustomResourceDefinition).spec;
  return [qualify(names.kind, group)];
}
