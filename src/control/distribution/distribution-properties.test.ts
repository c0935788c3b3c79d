import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FactViewer, viewerIn } from '../../../test/kit/fact-viewer.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { authorizationPolicy, peerAuthentication, service } from '../../../test/kit/policies.ts';
import type { Resource } from '../../resources/resource.ts';
import { keyOf } from '../../resources/resource.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Change, Store } from '../../store/store.ts';
import { Distribution } from './distribution.ts';

const TYPES = [
  'security.istio.io/v1/PeerAuthentication',
  'security.istio.io/v1/AuthorizationPolicy',
  'core/v1/Service',
] as const;
const NAMESPACES = ['shop', 'bank', 'istio-system'];

interface Wish {
  readonly type: number;
  readonly namespace: string;
  readonly name: string;
  /** Undefined deletes. */
  readonly exportTo: string | undefined;
}

type Step =
  | { readonly do: 'commit'; readonly wishes: readonly Wish[] }
  | { readonly do: 'leave' | 'come'; readonly viewer: number }
  | { readonly do: 'reject' | 'accept'; readonly viewer: number; readonly name: string }
  | { readonly do: 'rest' };

const viewer = fc.nat({ max: 2 });
const name = fc.constantFrom('a', 'b');
const wish = fc.record({
  type: fc.nat({ max: 2 }),
  namespace: fc.constantFrom(...NAMESPACES),
  name,
  exportTo: fc.constantFrom(undefined, '*', '.', 'bank', '~'),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('commit'),
      wishes: fc.array(wish, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('leave', 'come'), viewer }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('reject', 'accept'),
      viewer,
      name: fc.constantFrom('shop/a', 'istio-system/b'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('rest') }) },
);

let counter = 0;

function resourceOf({ type, namespace, name: called, exportTo = '*' }: Wish): Resource {
  counter += 1;
  const annotations = {
    'networking.istio.io/exportTo': exportTo,
    counter: String(counter),
  };
  const metadata = { namespace, name: called, annotations };
  if (type === 0) return peerAuthentication({}, metadata);
  return type === 1 ? authorizationPolicy({}, metadata) : service({}, metadata);
}

async function commit(store: Store, wishes: readonly Wish[]): Promise<void> {
  const changes = new Map<string, Change>();
  for (const one of wishes) {
    const resource = resourceOf(one);
    const key = keyOf(resource);
    const exists = (await store.get(key)) !== undefined;
    if (one.exportTo !== undefined) changes.set(JSON.stringify(key), { op: 'put', resource });
    else if (exists) changes.set(JSON.stringify(key), { op: 'delete', key });
  }
  await store.commit([...changes.values()]);
}

/** Said by hand here, apart from the code under test. */
function maySee(namespace: string, { kind, metadata }: Resource): boolean {
  const home = metadata.namespace;
  if (kind === 'PeerAuthentication') return true;
  if (kind === 'AuthorizationPolicy') return home === namespace || home === 'istio-system';
  const exportTo = metadata.annotations?.['networking.istio.io/exportTo'];
  return exportTo === '*' || exportTo === namespace || (exportTo === '.' && home === namespace);
}

async function visible(store: Store, namespace: string): Promise<ReadonlyMap<string, string>> {
  const all = [
    ...(await store.list('PeerAuthentication.security.istio.io')).items,
    ...(await store.list('AuthorizationPolicy.security.istio.io')).items,
    ...(await store.list('Service')).items,
  ];
  return new Map(
    all
      .filter((resource) => maySee(namespace, resource))
      .map(({ kind, metadata }) => [
        `${kind} ${metadata.namespace}/${metadata.name}`,
        metadata.resourceVersion ?? '',
      ]),
  );
}

function held(of: FactViewer): ReadonlyMap<string, string> {
  return new Map(
    TYPES.flatMap((type) =>
      [...of.held.versions(type)].map(
        ([called, version]) => [`${type.split('/')[2]} ${called}`, version] as const,
      ),
    ),
  );
}

interface Member {
  readonly viewer: FactViewer;
  connected: boolean;
}

async function act(members: readonly Member[], step: Exclude<Step, { do: 'commit' | 'rest' }>) {
  const member = members[step.viewer];
  if (member === undefined) return;
  if (step.do === 'reject') member.viewer.rejects.add(step.name);
  else if (step.do === 'accept') member.viewer.rejects.delete(step.name);
  else {
    if (step.do === 'leave') await member.viewer.disconnect();
    else if (!member.connected) member.viewer.connect();
    member.connected = step.do === 'come';
  }
}

/** What was never rejected is held as it is now; what was may be older. */
function checkUnrejected(viewer: FactViewer, expected: ReadonlyMap<string, string>): void {
  const now = held(viewer);
  const rejected = [...viewer.everRejected];
  for (const fact of new Set([...now.keys(), ...expected.keys()]))
    if (!rejected.some((name) => fact.endsWith(name)))
      expect([fact, now.get(fact)]).toEqual([fact, expected.get(fact)]);
}

async function run(steps: readonly Step[], responseNames: number): Promise<void> {
  const clock = new ManualClock();
  // History so short that the reader is thrown out of it now and then, and has to wait for a while.
  const store = memoryStore({ clock, retention: { events: 3, versionsPerObject: 2 } });
  const rest = (): Promise<void> => clock.advance(20_000);
  const distribution = new Distribution({
    store,
    clock,
    rootNamespace: 'istio-system',
    limits: { maxResponseNames: responseNames, requestBurst: 10_000 },
  });
  const aborting = new AbortController();
  const running = distribution.run(aborting.signal);
  const members = NAMESPACES.map((namespace) => ({
    viewer: new FactViewer(distribution, viewerIn(namespace), TYPES),
    connected: false,
  }));
  for (const one of steps) {
    if (one.do === 'commit') await commit(store, one.wishes);
    else if (one.do === 'rest') await rest();
    else await act(members, one);
  }
  await rest();
  for (const { viewer, connected } of members) {
    const expected = await visible(store, viewer.viewer.namespace);
    if (connected) checkUnrejected(viewer, expected);
    await viewer.disconnect();
    viewer.rejects.clear();
    viewer.connect();
    await rest();
    expect(held(viewer)).toEqual(expected);
  }
  expect(distribution.converged(store.version)).toEqual({ converged: true, behind: [] });
  aborting.abort();
  await running;
}

it('ends with every viewer holding what it may see of the store, whatever happened before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), run),
    { numRuns: 150 },
  );
}, 60_000);
