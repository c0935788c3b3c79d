import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ack, contentOf, nack, request } from '../../../test/kit/delta-requests.ts';
import { FactStream, FactViewer, viewerIn } from '../../../test/kit/fact-viewer.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { authorizationPolicy, peerAuthentication, service } from '../../../test/kit/policies.ts';
import { NodeSchema } from '../../gen/envoy/config/core/v3/base_pb.js';
import { kinds } from '../../resources/kinds.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { factTypeUrl } from '../../xds/fact.ts';
import { Distribution, type DistributionOptions } from './distribution.ts';
import type { ConnectedAgent } from './distribution-events.ts';

const POLICY = 'security.istio.io/v1/PeerAuthentication';
const RULES = 'security.istio.io/v1/AuthorizationPolicy';
const SERVICE = 'core/v1/Service';
const SECRET = 'core/v1/Secret';

let clock: ManualClock;
let store: Store;
let events: string[];
let distribution: Distribution;
let aborting: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new ManualClock();
  store = memoryStore({ clock });
  start();
});

afterEach(async () => {
  aborting.abort();
  await running;
});

function start(options: Partial<DistributionOptions> = {}): void {
  events = [];
  aborting = new AbortController();
  const of = ({ viewer }: ConnectedAgent): string => viewer.namespace;
  distribution = new Distribution({
    store,
    rootNamespace: 'istio-system',
    clock,
    events: {
      connected: (agent) => events.push(`${of(agent)} connected as ${agent.node.id}`),
      disconnected: (agent) => events.push(`${of(agent)} disconnected`),
      acked: (agent, type, version) => events.push(`${of(agent)} acked ${type} ${version}`),
      nacked: (agent, type, detail) => events.push(`${of(agent)} nacked ${type} ${detail}`),
      interrupted: (reason) => events.push(`interrupted ${reason}`),
    },
    ...options,
  });
  running = distribution.run(aborting.signal);
}

function settled(): Promise<void> {
  return clock.advance(0);
}

async function put(...resources: Resource[]): Promise<void> {
  await store.commit(resources.map((resource) => ({ op: 'put', resource })));
  await settled();
}

async function remove(resource: Resource): Promise<void> {
  await store.commit([{ op: 'delete', key: keyOf(resource) }]);
  await settled();
}

async function join(namespace: string, types: readonly string[] = [POLICY]): Promise<FactViewer> {
  const viewer = new FactViewer(distribution, viewerIn(namespace), types);
  viewer.connect();
  await settled();
  return viewer;
}

function open(namespace: string): FactStream {
  return new FactStream(distribution, viewerIn(namespace));
}

function exported(to: string): Resource {
  return service({}, { annotations: { 'networking.istio.io/exportTo': to } });
}

const secret: Resource = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'key', namespace: 'shop' },
  type: 'Opaque',
  data: { key: 'c2VjcmV0' },
};

describe('facts', () => {
  it('arrive as they are stored, and again when they change', async () => {
    await put(peerAuthentication({ mtls: { mode: 'STRICT' } }));
    const viewer = await join('shop');
    const stored = await store.get(keyOf(peerAuthentication({})));
    expect(viewer.held.of(POLICY).get('shop/default')).toEqual({ version: '1', value: stored });
    await put(peerAuthentication({ mtls: { mode: 'PERMISSIVE' } }));
    expect(viewer.holds).toEqual([`${POLICY} shop/default@2`]);
    await remove(peerAuthentication({}));
    expect(viewer.holds).toEqual([]);
  });

  it('are encoded once a version and shared by everybody who sees them', async () => {
    await put(peerAuthentication({}));
    const viewers = await Promise.all(Array.from({ length: 50 }, () => join('shop')));
    await put(peerAuthentication({ mtls: { mode: 'STRICT' } }));
    expect(distribution.encodings).toBe(2);
    const sent = viewers.map(({ received }) => received.at(-1)?.resources[0]);
    expect(sent[0]?.version).toBe('2');
    expect(new Set(sent.map((resource) => resource?.resource?.value)).size).toBe(1);
  });

  it('are not sent before the store was read, so that nobody takes that for "none"', async () => {
    aborting.abort();
    await store.commit([{ op: 'put', resource: peerAuthentication({}) }]);
    const late = Promise.withResolvers<void>();
    const slow: Store = Object.create(store, {
      list: {
        value: async (kind: string) => {
          await late.promise;
          return store.list(kind);
        },
      },
      version: { get: () => store.version },
      watch: { value: store.watch.bind(store) },
    });
    start({ store: slow });
    const viewer = await join('shop');
    expect(viewer.received).toEqual([]);
    late.resolve();
    await settled();
    expect(viewer.received).toHaveLength(1);
    expect(viewer.holds).toEqual([`${POLICY} shop/default@1`]);
  });
});

describe('a viewer', () => {
  it('sees policies of its own namespace and of the root namespace only', async () => {
    await put(
      authorizationPolicy({}, { namespace: 'shop' }),
      authorizationPolicy({}, { namespace: 'bank' }),
      authorizationPolicy({}, { namespace: 'istio-system' }),
    );
    const [shop, root] = [await join('shop', [RULES]), await join('istio-system', [RULES])];
    expect(shop.holds).toEqual([`${RULES} istio-system/policy@3`, `${RULES} shop/policy@1`]);
    expect(root.holds).toEqual([`${RULES} istio-system/policy@3`]);
  });

  it('loses what is no longer exported to it, and gets what is', async () => {
    await put(exported('*'));
    const [shop, bank] = [await join('shop', [SERVICE]), await join('bank', [SERVICE])];
    expect(bank.holds).toEqual([`${SERVICE} shop/reviews@1`]);
    await put(exported('.'));
    expect(bank.holds).toEqual([]);
    expect(bank.received.at(-1)?.removedResources).toEqual(['shop/reviews']);
    expect(shop.holds).toEqual([`${SERVICE} shop/reviews@2`]);
    await put(exported('., bank'));
    expect(bank.holds).toEqual([`${SERVICE} shop/reviews@3`]);
    await remove(exported('.'));
    expect(bank.holds).toEqual([]);
  });

  it('is told nothing of what it cannot see, neither of its changes nor of its end', async () => {
    const bank = await join('bank', [SERVICE]);
    await put(exported('.'));
    await put(exported('shop'));
    await remove(exported('.'));
    expect(bank.received).toHaveLength(1);
  });

  it('that was told less while it was away is told so when it comes back', async () => {
    await put(exported('*'));
    const bank = await join('bank', [SERVICE]);
    await bank.disconnect();
    await put(exported('.'));
    bank.connect();
    await settled();
    expect(bank.holds).toEqual([]);
  });

  it('cannot tell what is hidden from what does not exist', async () => {
    await put(exported('.'));
    const stream = open('bank');
    stream.requests.push(request({ typeUrl: SERVICE, subscribe: ['shop/reviews', 'shop/none'] }));
    expect(contentOf(await stream.next())).toEqual(['-shop/reviews', '-shop/none']);
  });

  it('is who its caller says, whatever its node says', async () => {
    await put(exported('.'));
    const stream = open('bank');
    const asked = request({ typeUrl: SERVICE });
    asked.node = create(NodeSchema, { id: 'shop', metadata: { NAMESPACE: 'shop' } });
    stream.requests.push(asked);
    expect(contentOf(await stream.next())).toEqual([]);
  });
});

describe('a Secret', () => {
  it.each(['shop', 'istio-system'])('cannot be obtained from %s, in any way', async (namespace) => {
    await put(secret);
    const stream = open(namespace);
    stream.requests.push(request({ typeUrl: SECRET, initial: { 'shop/key': '0' } }));
    const everything = await stream.next();
    expect(everything.resources).toEqual([]);
    stream.requests.push(ack(everything, { subscribe: ['shop/key', 'key'] }));
    expect(contentOf(await stream.next())).toEqual(['-shop/key', '-key']);
    await put({ ...secret, data: { key: 'b3RoZXI=' } });
    const versions = ['', 'v1/', '/v1/', 'core/v2/', 'type.googleapis.com/core/v1/'];
    for (const version of versions) {
      stream.requests.push(request({ typeUrl: `${version}Secret`, subscribe: ['*'] }));
      expect((await stream.next()).resources).toEqual([]);
    }
    expect(distribution.encodings).toBe(0);
  });

  it('is not read under any type that is distributed', async () => {
    await put(secret, peerAuthentication({}), service());
    const types = kinds.map((kind) => factTypeUrl({ ...kind, version: kind.versions[0] }));
    for (const namespace of ['shop', 'istio-system']) {
      const viewer = await join(namespace, types);
      expect(viewer.received.length).toBe(types.length);
      const text = viewer.received.map((response) =>
        response.resources.map(({ resource }) => Buffer.from(resource?.value ?? []).toString()),
      );
      expect(JSON.stringify(text)).not.toContain('c2VjcmV0');
    }
  });
});

describe('what is told of agents', () => {
  it('is who they are, what they acknowledged and rejected, and that they left', async () => {
    await put(peerAuthentication({}));
    const viewer = await join('shop');
    viewer.rejects.add('shop/default');
    await put(peerAuthentication({ mtls: { mode: 'STRICT' } }));
    await viewer.disconnect();
    expect(events).toEqual([
      'shop connected as agent of spiffe://cluster.local/ns/shop/sa/default',
      `shop acked ${POLICY} 1`,
      `shop nacked ${POLICY} "shop/default": it is not to my liking`,
      'shop disconnected',
    ]);
  });

  it('is nothing of a stream that never said anything', async () => {
    const stream = open('shop');
    const waiting = stream.next();
    await settled();
    stream.cut();
    await expect(waiting).rejects.toThrow('the stream has ended');
    expect(events).toEqual([]);
    expect(distribution.agents).toEqual([]);
  });

  it('includes that one is gone although its writer hangs', async () => {
    const stream = open('shop');
    stream.requests.push(request({ typeUrl: POLICY }));
    await stream.next();
    // Nobody takes the next response, and the generator rests where it is.
    stream.cut();
    expect(events).toContain('shop disconnected');
    expect(distribution.agents).toEqual([]);
  });

  it('includes that one does not answer', async () => {
    const stream = open('shop');
    stream.requests.push(request({ typeUrl: POLICY }));
    await stream.next();
    await clock.advance(60_000);
    expect(events).toContain('shop disconnected');
    await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  });
});

describe('convergence', () => {
  it('is reached when every agent has acknowledged all that it may see', async () => {
    const shop = await join('shop', [POLICY, SERVICE]);
    const slow = open('bank');
    slow.requests.push(request({ typeUrl: POLICY }));
    slow.requests.push(ack(await slow.next()));
    await put(peerAuthentication({}));
    expect(shop.holds).toEqual([`${POLICY} shop/default@1`]);
    expect(distribution.converged(1)).toMatchObject({
      converged: false,
      behind: [{ typeUrl: POLICY, acknowledged: 0, agent: { viewer: { namespace: 'bank' } } }],
    });
    expect(distribution.converged(1, [SERVICE]).converged).toBe(true);
    slow.requests.push(ack(await slow.next()));
    await settled();
    expect(distribution.converged(1)).toEqual({ converged: true, behind: [] });
    expect(distribution.converged(2).converged).toBe(false);
  });

  it('does not wait for agents that may not see the change', async () => {
    const bank = open('bank');
    bank.requests.push(request({ typeUrl: SERVICE }));
    bank.requests.push(ack(await bank.next()));
    await put(exported('.'), secret);
    expect(distribution.converged(2).converged).toBe(true);
  });

  it('waits for one that rejected something, until that is mended', async () => {
    const stream = open('shop');
    stream.requests.push(request({ typeUrl: POLICY }));
    stream.requests.push(ack(await stream.next()));
    await put(peerAuthentication({}));
    stream.requests.push(nack(await stream.next(), '"shop/default": unknown field'));
    await settled();
    expect(distribution.converged(1).behind).toMatchObject([
      { rejected: '"shop/default": unknown field' },
    ]);
    await put(peerAuthentication({ mtls: { mode: 'STRICT' } }));
    stream.requests.push(ack(await stream.next()));
    await settled();
    expect(distribution.converged(2).converged).toBe(true);
  });

  it('does not wait for those who left', async () => {
    const stream = open('shop');
    stream.requests.push(request({ typeUrl: POLICY }));
    await stream.next();
    await put(peerAuthentication({}));
    expect(distribution.converged(1).converged).toBe(false);
    stream.cut();
    expect(distribution.converged(1).converged).toBe(true);
  });
});

describe('bounds', () => {
  it('refuse a stream beyond the most, until another ends', async () => {
    aborting.abort();
    start({ maxConnections: 1 });
    const first = await join('shop');
    const second = open('shop');
    await expect(second.next()).rejects.toMatchObject({ code: 'ERR_LIMIT' });
    await first.disconnect();
    const third = open('shop');
    third.requests.push(request({ typeUrl: POLICY }));
    expect(contentOf(await third.next())).toEqual([]);
  });

  it('of a stream are those given', async () => {
    aborting.abort();
    start({ limits: { maxNames: 1 } });
    const stream = open('shop');
    stream.requests.push(request({ typeUrl: POLICY, subscribe: ['a', 'b'] }));
    await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_LIMIT' });
  });
});
