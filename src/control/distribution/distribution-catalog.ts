import type { KindDefinition } from '../../resources/kind-definition.ts';
import type { Resource } from '../../resources/resource.ts';
import { encodeFact, factName, factTypeUrl } from '../../xds/fact.ts';
import type { ResourceView, VersionedResource } from '../../xds/resource-view.ts';
import { type Audience, audienceOf, isDistributed, isIn } from './distribution-audience.ts';

/** That a resource is now so, or, where there is none, that nothing is under the name any more. */
export interface FactChange {
  readonly kind: KindDefinition;
  /** As `factName` gives it. */
  readonly name: string;
  readonly resource: Resource | undefined;
}

/** A fact that is seen otherwise than before by those in one of the audiences. */
export interface CatalogChange {
  readonly typeUrl: string;
  readonly name: string;
  /** Of the state before and the state after, where there is one. */
  readonly audiences: readonly Audience[];
}

interface Entry {
  readonly version: string;
  readonly audience: Audience;
  /** Encoded by the first who asks. */
  readonly fact: () => VersionedResource;
}

/**
 * All facts, each encoded at most once per version, when somebody may be sent it, and shared by all
 * who may: a control plane starts without encoding what it holds. Kinds that are
 * never distributed are refused at the door, so that nothing behind it can give them away.
 */
export class FactCatalog {
  readonly #rootNamespace: string;
  readonly #types = new Map<string, Map<string, Entry>>();
  #version = 0;
  #encodings = 0;

  constructor(options: {
    readonly rootNamespace: string;
    readonly kinds: readonly KindDefinition[];
  }) {
    this.#rootNamespace = options.rootNamespace;
    for (const kind of options.kinds)
      if (isDistributed(kind)) this.#types.set(factTypeUrlOf(kind), new Map());
  }

  /** The store version whose state this is. */
  get version(): number {
    return this.#version;
  }

  /** How often a resource was encoded since the beginning. */
  get encodings(): number {
    return this.#encodings;
  }

  /** The names of all facts of a kind. */
  namesOf(kind: KindDefinition): readonly string[] {
    return [...(this.#types.get(factTypeUrlOf(kind))?.keys() ?? [])];
  }

  /** Takes changes, in order; the state is then that of `version`. Returns what became different. */
  apply(changes: readonly FactChange[], version: number): readonly CatalogChange[] {
    this.#version = version;
    return changes.flatMap((change) => this.#applyOne(change) ?? []);
  }

  /** The facts that a workload in `namespace` may see, now and after each change. */
  viewFor(namespace: string): ResourceView {
    return new NamespaceView(this, this.#types, namespace);
  }

  #applyOne({ kind, name, resource }: FactChange): CatalogChange | undefined {
    const typeUrl = factTypeUrlOf(kind);
    const entries = this.#types.get(typeUrl);
    const before = entries?.get(name);
    if (entries === undefined) return undefined;
    if (resource === undefined) {
      entries.delete(name);
      return before && { typeUrl, name, audiences: [before.audience] };
    }
    const version = resource.metadata.resourceVersion ?? '';
    if (before?.version === version) return undefined;
    const audience = audienceOf(kind, resource, this.#rootNamespace);
    const fact = once(() => {
      this.#encodings += 1;
      return encodeFact({ name, version, json: resource });
    });
    entries.set(name, { version, audience, fact });
    return { typeUrl, name, audiences: before ? [before.audience, audience] : [audience] };
  }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** The name under which a resource is distributed. */
export function factNameOf({ metadata }: Resource): string {
  return factName(metadata);
}

function factTypeUrlOf({ group, versions, kind }: KindDefinition): string {
  return factTypeUrl({ group, version: versions[0], kind });
}

class NamespaceView implements ResourceView {
  readonly #catalog: FactCatalog;
  readonly #types: ReadonlyMap<string, ReadonlyMap<string, Entry>>;
  readonly #namespace: string;

  constructor(
    catalog: FactCatalog,
    types: ReadonlyMap<string, ReadonlyMap<string, Entry>>,
    namespace: string,
  ) {
    this.#catalog = catalog;
    this.#types = types;
    this.#namespace = namespace;
  }

  get version(): number {
    return this.#catalog.version;
  }

  get(typeUrl: string, name: string): VersionedResource | undefined {
    const entry = this.#types.get(typeUrl)?.get(name);
    return entry !== undefined && isIn(this.#namespace, entry.audience) ? entry.fact() : undefined;
  }

  *list(typeUrl: string): Generator<readonly [string, VersionedResource]> {
    for (const [name, { fact, audience }] of this.#types.get(typeUrl) ?? [])
      if (isIn(this.#namespace, audience)) yield [name, fact()];
  }
}
