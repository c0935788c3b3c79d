import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { type TestAuthority, testAuthority } from '../../../test/kit/test-authority.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { Resource } from '../../resources/resource.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import {
  readTrustBundle,
  trustBundleKey,
  trustBundleResource,
} from '../bundles/trust-bundle-resource.ts';
import type { BundleQuestion } from './bundle-client.ts';
import { Federation } from './federation.ts';
import { federationViews } from './federation-view.ts';

const PARTNER = 'partner.example';
const own = testAuthority();
const partner = testAuthority({ trustDomain: PARTNER });
const INTERVAL_MS = 60_000;

let clock: ManualClock;
let store: Store;
let stop: AbortController;
let ended: Promise<void>;
let federation: Federation;
let questions: BundleQuestion[];
let failures: string[];
let answer: (question: BundleQuestion) => Promise<TrustBundle>;

function bundleOf({ trustDomain, root }: TestAuthority, sequence: number): TrustBundle {
  return TrustBundle.of(trustDomain, [root], { sequence, refreshHintMs: INTERVAL_MS });
}

function declaration(changes: object = {}, name = PARTNER): Resource {
  return {
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'FederatedTrustDomain',
    metadata: { name },
    spec: {
      trustDomain: name,
      bundleEndpointURL: 'https://bundle.partner.example/',
      bundleEndpointProfile: { type: 'https_web' },
      ...changes,
    },
  };
}

function begin(): void {
  federation = new Federation({
    store,
    own: new WatchableValue(own.bundle),
    clock,
    events: {
      bundleReceived: () => undefined,
      taskFailed: ({ reason }) => failures.push(reason),
    },
    fetch: async (question) => {
      questions.push(question);
      return await answer(question);
    },
  });
  stop = new AbortController();
  ended = federation.run(stop.signal);
}

async function restart(): Promise<void> {
  stop.abort();
  await ended;
  begin();
  await clock.advance(0);
}

async function put(resource: Resource): Promise<void> {
  await store.commit([{ op: 'put', resource }]);
  await clock.advance(0);
}

async function remove(name = PARTNER): Promise<void> {
  await store.commit([
    { op: 'delete', key: { kind: 'FederatedTrustDomain.security.hauberk.dev', name } },
  ]);
  await clock.advance(0);
}

async function held(authority = partner): Promise<TrustBundle | undefined> {
  const stored = await store.get(trustBundleKey(authority.trustDomain));
  return stored && readTrustBundle(stored);
}

beforeEach(() => {
  clock = new ManualClock();
  store = memoryStore({ clock });
  questions = [];
  failures = [];
  answer = async () => bundleOf(partner, 1);
  begin();
});
afterEach(async () => {
  stop.abort();
  await ended;
});

describe('a declared trust domain', () => {
  it('is fetched at once, then at each interval that its bundle asks for', async () => {
    await put(declaration());
    expect((await held())?.sequence).toBe(1);
    answer = async () => bundleOf(testAuthority({ trustDomain: PARTNER }), 2);
    await clock.advance(INTERVAL_MS - 1);
    expect(questions).toHaveLength(1);
    await clock.advance(1);
    expect((await held())?.sequence).toBe(2);
    expect(federation.domains[0]?.record).toMatchObject({ failures: 0 });
  });

  it('keeps what it has while the endpoint fails, and tries no faster', async () => {
    await put(declaration());
    answer = async () => {
      throw new Error('nobody answers');
    };
    await clock.advance(INTERVAL_MS * 3);
    expect(questions).toHaveLength(4);
    expect((await held())?.sequence).toBe(1);
    expect(federation.domains[0]?.record).toMatchObject({
      ...{ failures: 3, lastError: 'nobody answers' },
      lastSuccessMs: clock.now() - 3 * INTERVAL_MS,
    });
    const declared = (await store.list('FederatedTrustDomain.security.hauberk.dev')).items;
    expect(federationViews(federation, declared as never)[0]).toMatchObject({
      ...{ state: 'stale', failures: 3, bundle: { sequence: 1 } },
    });
  });

  it('keeps the newer one when the endpoint serves an older', async () => {
    answer = async () => bundleOf(partner, 7);
    await put(declaration());
    answer = async () => bundleOf(partner, 6);
    await clock.advance(INTERVAL_MS);
    expect((await held())?.sequence).toBe(7);
    expect(failures.join()).toContain('sequence 6');
  });

  it('does not write what has not changed', async () => {
    await put(declaration());
    const { version } = store;
    await clock.advance(INTERVAL_MS * 5);
    expect(questions.length).toBeGreaterThan(5);
    expect(store.version).toBe(version);
  });

  it('is trusted no more once it is declared no more', async () => {
    await put(declaration());
    expect(await held()).toBeDefined();
    await remove();
    expect(await held()).toBeUndefined();
    await clock.advance(INTERVAL_MS * 3);
    expect(questions).toHaveLength(1);
  });

  it('that was removed while its bundle was on the way stays removed', async () => {
    const late = Promise.withResolvers<TrustBundle>();
    answer = () => late.promise;
    await put(declaration());
    const removing = remove();
    late.resolve(bundleOf(partner, 1));
    await removing;
    expect(await held()).toBeUndefined();
  });

  it('goes on after a restart with what it had, and confirms it', async () => {
    await put(declaration());
    answer = async () => {
      throw new Error('away');
    };
    await restart();
    expect(federation.domains[0]?.bundle?.sequence).toBe(1);
    expect((await held())?.sequence).toBe(1);
  });

  it('that was removed while the control plane was away goes with the next start', async () => {
    await put(declaration());
    stop.abort();
    await ended;
    await remove();
    expect(await held()).toBeDefined();
    begin();
    await clock.advance(0);
    expect(await held()).toBeUndefined();
  });
});

describe('the first bundle', () => {
  const spiffe = {
    bundleEndpointProfile: {
      type: 'https_spiffe',
      endpointSPIFFEID: `spiffe://${PARTNER}/ns/istio-system/sa/hauberk`,
    },
    trustDomainBundle: bundleOf(partner, 3).toJwks(),
  };

  it('is trusted before anything was fetched, and proves the endpoint', async () => {
    answer = async () => {
      throw new Error('away');
    };
    await put(declaration(spiffe));
    expect((await held())?.sequence).toBe(3);
    const [question] = questions;
    expect(question?.bundles(partner.trustDomain)?.sequence).toBe(3);
    expect(question?.bundles(own.trustDomain)).toBe(own.bundle);
    expect(question?.profile).toMatchObject({ type: 'https_spiffe' });
  });

  it('is not fallen back to once a newer one was fetched, but replaces it when it is declared anew', async () => {
    answer = async () => bundleOf(partner, 9);
    await put(declaration(spiffe));
    answer = async () => {
      throw new Error('away');
    };
    await restart();
    expect((await held())?.sequence).toBe(9);
    const fresh = testAuthority({ trustDomain: PARTNER });
    await put(declaration({ ...spiffe, trustDomainBundle: bundleOf(fresh, 1).toJwks() }));
    expect((await held())?.sequence).toBe(1);
  });
});

describe('the own trust domain', () => {
  it('is never replaced by a declaration of it', async () => {
    await put(trustBundleResource(bundleOf(own, 4)));
    await put(declaration({}, 'cluster.local'));
    expect(questions).toEqual([]);
    expect(federation.refused.get('cluster.local')).toContain('of this mesh itself');
    await remove('cluster.local');
    expect((await held(own))?.sequence).toBe(4);
  });
});

it('keeps each trust domain by itself', async () => {
  const other = testAuthority({ trustDomain: 'other.example' });
  answer = async ({ trustDomain }) => bundleOf(trustDomain.name === PARTNER ? partner : other, 1);
  await put(declaration());
  await put(declaration({}, 'other.example'));
  const rootsOf = (bundle: TrustBundle | undefined) =>
    bundle?.x509Authorities.map(({ serial }) => serial);
  expect(rootsOf(await held())).toEqual([partner.root.serial]);
  expect(rootsOf(await held(other))).toEqual([other.root.serial]);
  await remove();
  expect(rootsOf(await held(other))).toEqual([other.root.serial]);
});
