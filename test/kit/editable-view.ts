import { encodeFact } from '../../src/xds/fact.ts';
import type { ResourceView, VersionedResource } from '../../src/xds/resource-view.ts';

/** A ResourceView that a test writes; each write takes the next version. */
export class EditableView implements ResourceView {
  readonly #types = new Map<string, Map<string, VersionedResource>>();
  #version = 0;

  get version(): number {
    return this.#version;
  }

  get(typeUrl: string, name: string): VersionedResource | undefined {
    return this.#types.get(typeUrl)?.get(name);
  }

  list(typeUrl: string): Iterable<readonly [string, VersionedResource]> {
    return this.#types.get(typeUrl) ?? [];
  }

  put(typeUrl: string, name: string, json: unknown = {}): string {
    this.#version += 1;
    const version = String(this.#version);
    const resources = this.#types.get(typeUrl) ?? new Map<string, VersionedResource>();
    resources.set(name, encodeFact({ name, version, json }));
    this.#types.set(typeUrl, resources);
    return version;
  }

  remove(typeUrl: string, name: string): void {
    this.#version += 1;
    this.#types.get(typeUrl)?.delete(name);
  }
}
