import fc from 'fast-check';
import type { MeshErrorCode } from '../../src/lib/errors.ts';
import { keyOf, keyText, type Resource, type ResourceKey } from '../../src/resources/resource.ts';
import type { Change, StoreEvent } from '../../src/store/store.ts';

/** How a generated change speaks of the version it expects; the model knows which that is. */
type Expectation = 'any' | 'absent' | 'current' | 'stale';

/** A change before it is known what the store holds. */
export interface Wish {
  readonly op: 'put' | 'delete';
  readonly kind: 'Service' | 'Secret' | 'Namespace';
  readonly namespace: string;
  readonly name: string;
  readonly value: number;
  readonly status: number;
  readonly expect: Expectation;
}

/** What happens to a store and those who use it. */
export type Step =
  /** Commits that are asked for in one turn of the event loop, each of some wishes. */
  | { readonly do: 'commit'; readonly commits: readonly (readonly Wish[])[] }
  | { readonly do: 'restart' }
  | { readonly do: 'watch'; readonly from: number; readonly kind: Wish['kind'] | undefined };

const wish: fc.Arbitrary<Wish> = fc.record({
  op: fc.constantFrom('put', 'put', 'put', 'delete'),
  kind: fc.constantFrom('Service', 'Secret', 'Namespace'),
  namespace: fc.constantFrom('a', 'a-b', 'b'),
  name: fc.constantFrom('x', 'y'),
  value: fc.nat(2),
  status: fc.nat(1),
  expect: fc.constantFrom('any', 'any', 'any', 'current', 'current', 'absent', 'stale'),
});

const wishes = fc.array(wish, { minLength: 1, maxLength: 4 });

/** Sequences of steps over few objects, so that they meet. `from` of a watch is a share of the log. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('commit' as const),
        commits: fc.oneof(
          { weight: 2, arbitrary: fc.array(wishes, { minLength: 1, maxLength: 1 }) },
          { weight: 1, arbitrary: fc.array(wishes, { minLength: 2, maxLength: 6 }) },
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('watch' as const),
        from: fc.double({ min: 0, max: 1, noNaN: true }),
        kind: fc.constantFrom(undefined, 'Service' as const, 'Secret' as const),
      }),
    },
  ),
  { maxLength: 25 },
);

interface ModelObject {
  readonly wish: Wish;
  readonly version: number;
  readonly generation: number;
}

/** One event as far as a model can foretell it: all but the uid and the times. */
export interface ModelEvent {
  readonly type: StoreEvent['type'];
  readonly version: number;
  readonly key: string;
  readonly generation: number;
  readonly value: number;
  readonly status: number;
}

/** A store as one would explain it: a map, a list of events and a number. */
export class StoreModel {
  #objects = new Map<string, ModelObject>();
  readonly events: ModelEvent[] = [];

  get version(): number {
    return this.events.length;
  }

  /** What lives under a kind, in the order of a list. */
  list(kind: Wish['kind']): readonly ModelObject[] {
    const order = ({ wish }: ModelObject): string => {
      const { namespace = '', name } = keyOfWish(wish);
      return `${namespace} ${name}`;
    };
    return [...this.#objects.values()]
      .filter((object) => object.wish.kind === kind)
      .sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }

  changeOf(wanted: Wish): Change {
    const current = this.#objects.get(keyText(keyOfWish(wanted)))?.version;
    const expectVersion = { any: undefined, absent: '0', stale: '999999', current }[wanted.expect];
    const expectation = expectVersion === undefined ? {} : { expectVersion: `${expectVersion}` };
    return wanted.op === 'put'
      ? { op: 'put', resource: resourceOf(wanted), ...expectation }
      : { op: 'delete', key: keyOfWish(wanted), ...expectation };
  }

  /** Applies all wishes, or says with which error none of them is. */
  commit(wishes: readonly Wish[]): MeshErrorCode | undefined {
    const objects = new Map(this.#objects);
    const events: ModelEvent[] = [];
    const seen = new Set<string>();
    for (const wanted of wishes) {
      const key = keyText(keyOfWish(wanted));
      if (seen.has(key)) return 'ERR_USAGE';
      seen.add(key);
      const current = objects.get(key);
      const refusal = refusalOf(wanted, current);
      if (refusal !== undefined) return refusal;
      const event = eventOf(wanted, current, this.version + events.length + 1);
      if (event === undefined) continue;
      events.push(event);
      if (event.type === 'DELETED') objects.delete(key);
      else objects.set(key, { ...event, wish: wanted });
    }
    this.#objects = objects;
    this.events.push(...events);
    return undefined;
  }

  /** The events that a watch from `after` is owed by now. */
  eventsAfter(after: number, kind?: string): readonly ModelEvent[] {
    return this.events
      .slice(after)
      .filter(({ key }) => kind === undefined || key.startsWith(`${kind}/`));
  }
}

function refusalOf(wanted: Wish, current: ModelObject | undefined): MeshErrorCode | undefined {
  if (current !== undefined) {
    return wanted.expect === 'any' || wanted.expect === 'current' ? undefined : 'ERR_CONFLICT';
  }
  // What does not exist has no current version to expect, so no expectation is sent.
  const fine = wanted.op === 'put' && wanted.expect !== 'stale';
  return fine ? undefined : 'ERR_NOT_FOUND';
}

function eventOf(
  wanted: Wish,
  current: ModelObject | undefined,
  version: number,
): ModelEvent | undefined {
  const key = keyText(keyOfWish(wanted));
  if (current === undefined) {
    return { type: 'ADDED', version, key, generation: 1, ...contentsOf(wanted) };
  }
  const { generation } = current;
  const before = contentsOf(current.wish);
  if (wanted.op === 'delete') return { type: 'DELETED', version, key, generation, ...before };
  const after = contentsOf(wanted);
  if (after.value === before.value && after.status === before.status) return undefined;
  const changed = after.value === before.value ? generation : generation + 1;
  return { type: 'MODIFIED', version, key, generation: changed, ...after };
}

function contentsOf({ value, status }: Wish): { readonly value: number; readonly status: number } {
  return { value, status };
}

function keyOfWish({ kind, namespace, name }: Wish): ResourceKey {
  return kind === 'Namespace' ? { kind, name } : { kind, namespace, name };
}

function resourceOf(wanted: Wish): Resource {
  const { kind, ...metadata } = keyOfWish(wanted);
  return {
    apiVersion: 'v1',
    kind,
    metadata,
    spec: { value: wanted.value },
    status: { seen: wanted.status },
  };
}

/** An event of a real store in the model's terms. */
export function inModelTerms({ type, version, resource }: StoreEvent): ModelEvent {
  const { spec, status, metadata } = resource;
  if (metadata.resourceVersion !== String(version)) {
    throw new Error(`event ${version} carries resourceVersion ${metadata.resourceVersion}`);
  }
  return {
    type,
    version,
    key: keyText(keyOf(resource)),
    generation: metadata.generation ?? 0,
    value: numberIn(spec, 'value'),
    status: numberIn(status, 'seen'),
  };
}

function numberIn(value: unknown, field: string): number {
  return Number(Object.entries(value ?? {}).find(([name]) => name === field)?.[1]);
}
