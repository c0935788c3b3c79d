import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import { type MeshFacts, noFacts } from '../../policy/mesh-facts.ts';
import type { Resource } from '../../resources/resource.ts';
import { HeldResources } from '../../xds/held-resources.ts';
import { Latch } from '../../xds/latch.ts';
import type { Rejection, ResourceDelta, ResourceSink } from '../../xds/resource-sink.ts';
import { checkFact, decodeReceived } from './fact-cache-decode.ts';
import { factTypes, withFacts } from './fact-cache-facts.ts';
import { FactFile, type KeptFact } from './fact-cache-file.ts';

/** Where the present facts are from. */
export type FactSource =
  /** From nowhere: nothing is known, which is not the same as that nothing is written. */
  | { readonly from: 'nowhere' }
  /** Kept from an earlier run; the control plane has not confirmed them yet. */
  | { readonly from: 'disk'; readonly savedAtMs: number }
  /** The control plane has sent everything once in this run. */
  | { readonly from: 'control-plane'; readonly sinceMs: number };

interface FactCacheEvents {
  /** One sentence on what could not be kept or restored. The agent goes on. */
  problem(sentence: string): void;
}

export interface FactCacheOptions {
  /**
   * Say whose facts these are, now; those of another mesh are never mixed in. Such as the fingerprints
   * of the roots: while they are replaced, what is kept has one of those from before or after.
   */
  readonly meshIds: () => readonly string[];
  /** Made if it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  readonly events?: FactCacheEvents;
  /** How long changes are gathered before they are written, in milliseconds. Default 1,000. */
  readonly saveDelayMs?: number;
  /** Bytes on disk. Default 64 MiB. */
  readonly maxFileBytes?: number;
}

/** A cache with what was kept on disk, or empty when nothing usable was. Never throws for that file. */
export async function openFactCache(options: FactCacheOptions): Promise<FactCache> {
  const { directory, maxFileBytes = 67_108_864 } = options;
  const cache = new FactCache(options, new FactFile({ directory, maxBytes: maxFileBytes }));
  await cache.restore();
  return cache;
}

/**
 * The facts that one agent may see, as typed resources, kept on disk. To be fed by an AdsClient that
 * subscribes to `factTypes`.
 */
export class FactCache implements ResourceSink {
  readonly #options: FactCacheOptions;
  readonly #file: FactFile;
  readonly #held = new HeldResources<Resource>({ decode: decodeReceived });
  readonly #facts = new WatchableValue<MeshFacts>(noFacts);
  readonly #source = new WatchableValue<FactSource>({ from: 'nowhere' });
  /** Types whose state has not arrived whole in this run. */
  readonly #awaited = new Set(factTypes);
  /** Types of whose present state more is to follow. */
  readonly #partial = new Set<string>();
  readonly #changed = new Set<string>();
  readonly #toSave = new Latch();
  #unsaved = false;

  constructor(options: FactCacheOptions, file: FactFile) {
    this.#options = options;
    this.#file = file;
  }

  /**
   * The facts, swapped once per batch and never half: nothing is published before each type's state
   * has arrived whole, and nothing while a state is still arriving.
   */
  get facts(): Watchable<MeshFacts> {
    return this.#facts;
  }

  /** Set after the facts that it speaks of. */
  get source(): Watchable<FactSource> {
    return this.#source;
  }

  versions(typeUrl: string): ReadonlyMap<string, string> {
    return this.#held.versions(typeUrl);
  }

  apply(delta: ResourceDelta): readonly Rejection[] {
    const before = this.#held.changes;
    const rejections = this.#held.apply(delta);
    if (this.#held.changes !== before) this.#changed.add(delta.typeUrl);
    if (delta.complete) {
      this.#partial.delete(delta.typeUrl);
      this.#awaited.delete(delta.typeUrl);
    } else this.#partial.add(delta.typeUrl);
    this.#publish();
    return rejections;
  }

  /** Writes changes to disk until `signal` aborts, then what is left. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, saveDelayMs = 1_000 } = this.#options;
    const wake = (): void => this.#toSave.raise();
    signal.addEventListener('abort', wake);
    while (!signal.aborted) {
      await this.#toSave.wait();
      await clock.sleep(saveDelayMs, signal);
      await this.#save();
    }
    signal.removeEventListener('abort', wake);
  }

  /** Takes what is on disk; called once, before anything else. */
  async restore(): Promise<void> {
    const meshIds = this.#options.meshIds();
    try {
      const kept = await this.#file.read();
      if (kept === undefined) return;
      if (!kept.meshIds.some((id) => meshIds.includes(id)))
        throw new MeshError(
          'ERR_STORE',
          `it is of mesh "${kept.meshIds.join(' ')}", this is "${meshIds.join(' ')}"`,
        );
      this.#restoreAll(kept.facts);
      this.#facts.set(this.#merged());
      this.#source.set({ from: 'disk', savedAtMs: kept.savedAtMs });
    } catch (error) {
      const aside = await this.#file.setAside();
      const where = aside === undefined ? 'it stays where it is' : `it is now ${aside}`;
      this.#report(
        `the facts kept in ${this.#file.path} are not used because ${messageOf(error)}; ${where}, and the agent starts without facts`,
      );
    }
  }

  #restoreAll(facts: readonly KeptFact[]): void {
    const refused: string[] = [];
    for (const { typeUrl, name, version, resource } of facts) {
      if (!factTypes.includes(typeUrl)) continue;
      try {
        const value = checkFact(resource, { typeUrl, name });
        this.#held.restore(typeUrl, name, { version, value });
        this.#changed.add(typeUrl);
      } catch (error) {
        refused.push(`"${name}": ${messageOf(error)}`);
      }
    }
    if (refused.length > 0)
      this.#report(
        `${refused.length} of ${facts.length} facts kept in ${this.#file.path} are not used, the first is ${refused[0]}`,
      );
  }

  #publish(): void {
    const { from } = this.#source.current;
    if (this.#partial.size > 0 || (from === 'nowhere' && this.#awaited.size > 0)) return;
    if (this.#changed.size > 0) {
      this.#facts.set(this.#merged());
      this.#unsaved = true;
      this.#toSave.raise();
    }
    if (from !== 'control-plane' && this.#awaited.size === 0)
      this.#source.set({ from: 'control-plane', sinceMs: this.#options.clock.now() });
  }

  #merged(): MeshFacts {
    let facts = this.#facts.current;
    for (const typeUrl of this.#changed) facts = withFacts(facts, typeUrl, this.#held.of(typeUrl));
    this.#changed.clear();
    return facts;
  }

  async #save(): Promise<void> {
    // Half a state is not worth keeping; its end raises the latch again.
    if (!this.#unsaved || this.#partial.size > 0) return;
    this.#unsaved = false;
    const { meshIds, clock } = this.#options;
    const facts = factTypes.flatMap((typeUrl) =>
      [...this.#held.of(typeUrl)].map(([name, { version, value: resource }]) => ({
        typeUrl,
        name,
        version,
        resource,
      })),
    );
    try {
      await this.#file.write({ meshIds: meshIds(), savedAtMs: clock.now(), facts });
    } catch (error) {
      this.#report(
        `the facts could not be kept in ${this.#file.path} because ${messageOf(error)}; after a restart without a control plane the agent would have older ones, or none`,
      );
    }
  }

  #report(sentence: string): void {
    this.#options.events?.problem(sentence);
  }
}
