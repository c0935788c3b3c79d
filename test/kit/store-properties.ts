import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../../src/lib/errors.ts';
import { keyOf, keyText } from '../../src/resources/resource.ts';
import { defaultRetention, nextFloor } from '../../src/store/retention.ts';
import type { Store, StoreEvent } from '../../src/store/store.ts';
import { ManualClock } from './manual-clock.ts';
import { readEvents } from './read-events.ts';
import { inModelTerms, type Step, StoreModel, steps } from './store-model.ts';
import type { StoreRig } from './store-rig.ts';

interface Watcher {
  readonly from: number;
  readonly kind: string | undefined;
  readonly events: AsyncIterator<StoreEvent>;
  /** Counts over all that was read and compared already. */
  read: number;
}

/** Properties that hold for any sequence of commits, restarts and watches. */
export function describeStoreProperties(makeRig: () => StoreRig, numRuns: number): void {
  describe('against a model, for any sequence of commits and restarts', () => {
    it('answers every commit, read and watch as the model does', async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (sequence) => {
          const run = new ModelRun(makeRig());
          try {
            for (const step of sequence) await run.take(step);
            await run.compareAll();
          } finally {
            run.end();
          }
        }),
        { numRuns },
      );
    }, 120_000);

    it('keeps what the retention promises, and tells a watch what it has lost', async () => {
      const retention = { events: 6, versionsPerObject: 3 };
      await fc.assert(
        fc.asyncProperty(steps, async (sequence) => {
          const run = new ModelRun(makeRig(), retention);
          try {
            for (const step of sequence) if (step.do !== 'watch') await run.take(step);
            await run.compareRetained();
          } finally {
            run.end();
          }
        }),
        { numRuns },
      );
    }, 120_000);
  });
}

class ModelRun {
  readonly #rig: StoreRig;
  readonly #retention: typeof defaultRetention;
  readonly #model = new StoreModel();
  readonly #clock = new ManualClock();
  readonly #stop = new AbortController();
  #floor = 0;
  #store: Store;
  #watchers: Watcher[] = [];

  constructor(rig: StoreRig, retention = defaultRetention) {
    this.#rig = rig;
    this.#retention = retention;
    this.#store = rig.open({ clock: this.#clock, retention });
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'commit':
        return this.#commit(step.commits);
      case 'restart':
        await this.#compareWatchers();
        this.#watchers = [];
        this.#store = this.#rig.restart(this.#store);
        return;
      case 'watch': {
        const from = Math.round(step.from * this.#model.version);
        this.#watchers.push(this.#watch(from, step.kind));
        // One in two reads at once what there is; the others stay behind.
        if (this.#watchers.length % 2 === 0) await this.#compareWatchers();
      }
    }
  }

  async compareAll(): Promise<void> {
    await this.#compareLists();
    await this.#compareWatchers();
    for (let from = 0; from <= this.#model.version; from++) {
      this.#watchers = [this.#watch(from, undefined)];
      await this.#compareWatchers();
    }
    for (const key of new Set(this.#model.events.map((event) => event.key))) {
      expect(await this.#historyOf(key)).toEqual(this.#eventsOf(key));
    }
  }

  async compareRetained(): Promise<void> {
    await this.#compareLists();
    const { version, events } = this.#model;
    for (let from = 0; from <= version; from++) {
      if (from >= this.#floor) {
        this.#watchers = [this.#watch(from, undefined)];
        await this.#compareWatchers();
      } else {
        expect(version - from).toBeGreaterThan(this.#retention.events);
        const failure = await this.#watch(from, undefined)
          .events.next()
          .catch((e: unknown) => e);
        expect(MeshError.is(failure, 'ERR_GONE')).toBe(true);
      }
    }
    for (const key of new Set(events.map((event) => event.key))) {
      const all = this.#eventsOf(key);
      const kept = await this.#historyOf(key);
      const dead = all.at(-1)?.type === 'DELETED' && (all.at(-1)?.version ?? 0) <= this.#floor;
      const inLog = all.filter((event) => event.version > this.#floor).length;
      expect(kept).toEqual(kept.length === 0 ? [] : all.slice(-kept.length));
      if (dead) expect(kept).toEqual([]);
      // What was before a deletion that left the log may be forgotten, though the object is back.
      const left = all.findLastIndex((it) => it.type === 'DELETED' && it.version <= this.#floor);
      const owed = Math.min(all.length - (left + 1), Math.max(3, inLog));
      expect(kept.length).toBeGreaterThanOrEqual(owed);
    }
  }

  end(): void {
    this.#stop.abort();
    this.#store.close();
    this.#rig.dispose();
  }

  async #commit(commits: Extract<Step, { do: 'commit' }>['commits']): Promise<void> {
    const asked = commits.map((wishes) => {
      const changes = wishes.map((wanted) => this.#model.changeOf(wanted));
      return { changes, expected: this.#model.commit(wishes) };
    });
    const failures = await Promise.all(
      asked.map(({ changes }) =>
        this.#store.commit(changes).then(
          () => undefined,
          (error: unknown) => (MeshError.is(error) ? error.code : error),
        ),
      ),
    );
    expect(failures).toEqual(asked.map(({ expected }) => expected));
    expect(this.#store.version).toBe(this.#model.version);
    this.#floor = nextFloor(this.#floor, this.#model.version, this.#retention);
  }

  #watch(from: number, kind: string | undefined): Watcher {
    const options = kind === undefined ? { fromVersion: from } : { fromVersion: from, kind };
    const events = this.#store.watch(options, this.#stop.signal)[Symbol.asyncIterator]();
    return { from, kind, events, read: 0 };
  }

  async #compareWatchers(): Promise<void> {
    for (const watcher of this.#watchers) {
      const owed = this.#model.eventsAfter(watcher.from, watcher.kind).slice(watcher.read);
      const events = await readEvents(watcher.events, owed.length);
      expect(events.map(inModelTerms)).toEqual(owed);
      watcher.read += owed.length;
    }
  }

  async #compareLists(): Promise<void> {
    for (const kind of ['Service', 'Secret', 'Namespace'] as const) {
      const { items, version } = await this.#store.list(kind);
      expect(version).toBe(this.#model.version);
      const expected = this.#model.list(kind);
      expect(items.map(({ metadata }) => metadata.resourceVersion)).toEqual(
        expected.map((object) => String(object.version)),
      );
      for (const item of items) expect(await this.#store.get(keyOf(item))).toBe(item);
    }
  }

  async #historyOf(key: string): Promise<readonly unknown[]> {
    const [kind = '', ...rest] = key.split('/');
    const name = rest.at(-1) ?? '';
    const namespace = rest.length === 2 ? rest[0] : undefined;
    const history = await this.#store.history(
      namespace === undefined ? { kind, name } : { kind, namespace, name },
    );
    for (const { resource } of history) expect(keyText(keyOf(resource))).toBe(key);
    return history.map(inModelTerms);
  }

  #eventsOf(key: string): readonly { readonly type: string; readonly version: number }[] {
    return this.#model.events.filter((event) => event.key === key);
  }
}
