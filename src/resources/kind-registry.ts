import { MeshError } from '../lib/errors.ts';
import { type KindDefinition, qualifiedKind } from './kind-definition.ts';
import { groupOf, type Resource } from './resource.ts';

/**
 * The kinds that are served: those built in, which stay, and those that people defined, which come
 * and go. Readers keep nothing of it but the epoch that they read at.
 */
export class KindRegistry {
  readonly #builtIns: readonly KindDefinition[];
  #index: Index;
  #epoch = 0;

  /** @throws {MeshError} ERR_CONFLICT when two of them have one kind or plural. */
  constructor(builtIns: readonly KindDefinition[]) {
    this.#builtIns = builtIns;
    this.#index = indexOf(builtIns, []);
  }

  /** Every kind, in the order in which a set of resources is best applied. */
  get definitions(): readonly KindDefinition[] {
    return this.#index.definitions;
  }

  /** Those that stay, whatever people define. */
  get builtIns(): readonly KindDefinition[] {
    return this.#builtIns;
  }

  /** Changes whenever a kind is added, replaced or removed; equal means that nothing has changed. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The kind whose resources are at `/apis/<group>/<version>/<plural>`. */
  byPlural(group: string, plural: string): KindDefinition | undefined {
    return this.#index.byPlural.get(`${plural}.${group}`);
  }

  /** The kind that a ResourceKey names: `PeerAuthentication.security.istio.io`, `Service`. */
  byQualifiedKind(qualified: string): KindDefinition | undefined {
    return this.#index.byKind.get(qualified);
  }

  /** The kind of a resource, if that kind is served in the resource's group and version. */
  kindOf({ apiVersion, kind }: Pick<Resource, 'apiVersion' | 'kind'>): KindDefinition | undefined {
    const group = groupOf(apiVersion);
    const version = group === '' ? apiVersion : apiVersion.slice(group.length + 1);
    const definition = this.#index.byKind.get(group === '' ? kind : `${kind}.${group}`);
    return definition?.group === group && definition.versions.includes(version)
      ? definition
      : undefined;
  }

  /**
   * The kind that people mean by `text`, in any case: kind, plural, singular or short name, with or
   * without the group (`pa`, `PeerAuthentication`, `peerauthentications.security.istio.io`). Where
   * two kinds share a name, the one that comes first in `definitions`.
   */
  named(text: string): KindDefinition | undefined {
    return this.#index.byName.get(text.toLowerCase());
  }

  /**
   * Takes these for the kinds that people defined, in place of all that were there before.
   *
   * @throws {MeshError} ERR_CONFLICT when one has the plural or the kind of another; then nothing changes.
   */
  define(custom: readonly KindDefinition[]): void {
    this.#index = indexOf(this.#builtIns, custom);
    this.#epoch += 1;
  }
}

interface Index {
  readonly definitions: readonly KindDefinition[];
  readonly byPlural: ReadonlyMap<string, KindDefinition>;
  readonly byKind: ReadonlyMap<string, KindDefinition>;
  readonly byName: ReadonlyMap<string, KindDefinition>;
}

function indexOf(builtIns: readonly KindDefinition[], custom: readonly KindDefinition[]): Index {
  const definitions = [...builtIns, ...custom];
  const byPlural = new Map<string, KindDefinition>();
  const byKind = new Map<string, KindDefinition>();
  const byName = new Map<string, KindDefinition>();
  for (const definition of definitions) {
    claim(byPlural, `${definition.plural}.${definition.group}`, definition);
    claim(byKind, qualifiedKind(definition), definition);
    for (const name of namesOf(definition)) {
      const key = name.toLowerCase();
      if (!byName.has(key)) byName.set(key, definition);
    }
  }
  return { definitions, byPlural, byKind, byName };
}

function namesOf(definition: KindDefinition): readonly string[] {
  const { group, kind, plural, singular, shortNames } = definition;
  const names = [kind, plural, singular, ...shortNames];
  if (group === '') return names;
  return [...names, qualifiedKind(definition), `${plural}.${group}`, `${singular}.${group}`];
}

function claim(taken: Map<string, KindDefinition>, name: string, definition: KindDefinition): void {
  if (taken.has(name)) {
    throw new MeshError('ERR_CONFLICT', `there is a kind of the name "${name}" already`);
  }
  taken.set(name, definition);
}
