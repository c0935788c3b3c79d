import { MeshError } from '../lib/errors.ts';
import type { Sealer } from '../lib/sealer.ts';
import { qualifiedKind } from '../resources/kind-definition.ts';
import { kinds } from '../resources/kinds.ts';
import type { Resource, ResourceKey } from '../resources/resource.ts';
import { parseFrozen } from './frozen-resource.ts';

/** What is written in a `body` column: JSON as text, or sealed JSON as bytes. */
export type Body = string | Uint8Array;

/** Whose body it is; sealed into it, so that no row can stand in for another. */
export interface BodyOwner {
  readonly key: ResourceKey;
  readonly version: number;
}

const confidentialKinds = new Map(
  kinds.map((definition) => [qualifiedKind(definition), definition.confidential]),
);

/** Sealed when the kind is confidential, or unknown, for then nobody said that it may be read. */
export function encodeBody(resource: Resource, owner: BodyOwner, sealer: Sealer): Body {
  const json = JSON.stringify(resource);
  if (confidentialKinds.get(owner.key.kind) === false) return json;
  return sealer.seal(Buffer.from(json), contextOf(owner));
}

/**
 * The frozen resource of a body.
 *
 * @throws {MeshError} ERR_SEAL when a sealed body was altered or belongs to another owner, or when
 *   a confidential one is not sealed; ERR_STORE when it is not JSON.
 */
export function decodeBody(body: unknown, owner: BodyOwner, sealer: Sealer): Resource {
  if (body instanceof Uint8Array) {
    return parse(Buffer.from(sealer.open(body, contextOf(owner))).toString(), owner);
  }
  if (confidentialKinds.get(owner.key.kind) === true) {
    throw new MeshError(
      'ERR_SEAL',
      `${contextOf(owner)} is stored unsealed, which Hauberk never does; the database was altered, restore it from a backup`,
    );
  }
  return parse(String(body), owner);
}

function parse(json: string, owner: BodyOwner): Resource {
  try {
    return parseFrozen(json);
  } catch {
    // The cause would quote the contents.
    throw new MeshError(
      'ERR_STORE',
      `${contextOf(owner)} is not readable in the database; restore it from a backup`,
    );
  }
}

/** Not `keyText`, which may change its form: this text must stay as it was when a row was sealed. */
function contextOf({ key: { kind, namespace = '', name }, version }: BodyOwner): string {
  return `${kind}/${namespace}/${name}@${version}`;
}
