import { messageOf } from '../lib/errors.ts';
import type { ReceivedResource, Rejection, ResourceDelta, ResourceSink } from './resource-sink.ts';

export interface HeldResource<T> {
  readonly version: string;
  readonly value: T;
}

export interface HeldResourcesOptions<T> {
  /** The value in a received resource; throws to reject that one. */
  readonly decode: (resource: ReceivedResource, typeUrl: string) => T;
  /** Resources of all types together; further ones are rejected. Default 200,000. */
  readonly maxResources?: number;
}

const LONGEST_NAME = 512;

/** Decoded resources by type and name. A bad resource is rejected alone, its last good version stays. */
export class HeldResources<T> implements ResourceSink {
  readonly #decode: HeldResourcesOptions<T>['decode'];
  readonly #maxResources: number;
  readonly #types = new Map<string, Map<string, HeldResource<T>>>();
  #size = 0;
  #changes = 0;

  constructor({ decode, maxResources = 200_000 }: HeldResourcesOptions<T>) {
    this.#decode = decode;
    this.#maxResources = maxResources;
  }

  /** How often something was put in or taken out. */
  get changes(): number {
    return this.#changes;
  }

  /** Resources of all types. */
  get size(): number {
    return this.#size;
  }

  /** What is held of a type; changes with the next `apply`. */
  of(typeUrl: string): ReadonlyMap<string, HeldResource<T>> {
    return this.#type(typeUrl);
  }

  versions(typeUrl: string): ReadonlyMap<string, string> {
    return new Map([...this.#type(typeUrl)].map(([name, { version }]) => [name, version]));
  }

  /** Puts in what was decoded elsewhere, such as what was kept on disk. */
  restore(typeUrl: string, name: string, held: HeldResource<T>): void {
    this.#put(typeUrl, name, held);
  }

  apply(delta: ResourceDelta): readonly Rejection[] {
    const rejections: Rejection[] = [];
    const ambiguous = namesNamedTwice(delta);
    const held = this.#type(delta.typeUrl);
    for (const name of delta.removed) {
      if (ambiguous.has(name) || !held.delete(name)) continue;
      this.#size -= 1;
      this.#changes += 1;
    }
    for (const name of ambiguous)
      rejections.push({ name, reason: 'it is in the response more than once' });
    for (const resource of delta.resources) {
      if (ambiguous.has(resource.name)) continue;
      const reason = this.#take(resource, delta.typeUrl);
      if (reason !== undefined) rejections.push({ name: resource.name, reason });
    }
    return rejections;
  }

  #take(resource: ReceivedResource, typeUrl: string): string | undefined {
    const { name, version } = resource;
    if (name === '' || version === '') return 'it has no name or no version';
    if (Math.max(name.length, version.length) > LONGEST_NAME)
      return `its name or version is longer than ${LONGEST_NAME} characters`;
    if (this.#size >= this.#maxResources && !this.#type(typeUrl).has(name))
      return `${this.#maxResources} resources are held, which is the limit`;
    try {
      this.#put(typeUrl, name, { version, value: this.#decode(resource, typeUrl) });
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  #put(typeUrl: string, name: string, held: HeldResource<T>): void {
    const type = this.#type(typeUrl);
    if (!type.has(name)) this.#size += 1;
    type.set(name, held);
    this.#changes += 1;
  }

  #type(typeUrl: string): Map<string, HeldResource<T>> {
    let type = this.#types.get(typeUrl);
    if (type === undefined) {
      type = new Map();
      this.#types.set(typeUrl, type);
    }
    return type;
  }
}

function namesNamedTwice({ resources, removed }: ResourceDelta): ReadonlySet<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of [...resources.map((resource) => resource.name), ...removed]) {
    if (seen.has(name)) twice.add(name);
    seen.add(name);
  }
  return twice;
}
