import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Distribution } from '../../../src/control/distribution/distribution.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { keyOf } from '../../../src/resources/resource.ts';
import { memoryStore } from '../../../src/store/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { type AdsServer, startAdsServer } from '../../kit/ads-server.ts';
import { viewerIn } from '../../kit/fact-viewer.ts';
import { authorizationPolicy, peerAuthentication } from '../../kit/policies.ts';

// A gRPC stack and a protobuf implementation that share nothing with ours; they come with grpc-js-xds.
const xdsPackage = fileURLToPath(import.meta.resolve('@grpc/grpc-js-xds'));
const load = createRequire(xdsPackage);
const grpc = load('@grpc/grpc-js');
const protos = load('@grpc/proto-loader');
const vendored = join(dirname(load.resolve('@grpc/grpc-js-xds/package.json')), 'deps');
const POLICY = 'security.istio.io/v1/PeerAuthentication';

interface Response {
  readonly nonce: string;
  readonly resources: readonly {
    readonly name: string;
    readonly version: string;
    readonly resource: { readonly type_url: string; readonly value: Buffer };
  }[];
  readonly removed_resources: readonly string[];
}

interface Call {
  write(request: object): void;
  end(): void;
  cancel(): void;
  on(event: 'data', listener: (response: Response) => void): void;
  on(event: 'error', listener: (error: { readonly code: number; details: string }) => void): void;
  on(event: 'end', listener: () => void): void;
}

let store: Store;
let server: AdsServer;
let aborting: AbortController;
let running: Promise<void>;
let call: Call;
let next: () => Promise<Response>;
let failed: Promise<{ readonly code: number; readonly details: string }>;

beforeEach(async () => {
  store = memoryStore({ clock: systemClock });
  const distribution = new Distribution({
    store,
    clock: systemClock,
    rootNamespace: 'istio-system',
    limits: { maxNames: 10 },
  });
  aborting = new AbortController();
  running = distribution.run(aborting.signal);
  server = await startAdsServer((requests, { signal }) =>
    distribution.serve(requests, viewerIn('shop'), signal),
  );
  call = openStream();
});

afterEach(async () => {
  call.cancel();
  aborting.abort();
  await running;
  await server.dispose();
});

function openStream(): Call {
  const definition = protos.loadSync('envoy/service/discovery/v3/ads.proto', {
    keepCase: true,
    includeDirs: ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((dir) =>
      join(vendored, dir),
    ),
  });
  const loaded = grpc.loadPackageDefinition(definition);
  const Ads = loaded.envoy.service.discovery.v3.AggregatedDiscoveryService;
  const client = new Ads(`unix:${server.path}`, grpc.credentials.createInsecure());
  const opened: Call = client.DeltaAggregatedResources();
  const responses: Response[] = [];
  let wake = (): void => undefined;
  opened.on('data', (response) => {
    responses.push(response);
    wake();
  });
  failed = new Promise((resolve) => opened.on('error', resolve));
  next = async () => {
    while (responses.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    const [first] = responses.splice(0, 1);
    if (first === undefined) throw new Error('no response');
    return first;
  };
  return opened;
}

/** The JSON in a Fact, whose one field is read by hand: a tag, a length, the bytes. */
function jsonOf({ resource }: Response['resources'][number]): unknown {
  expect(resource.type_url).toBe('type.googleapis.com/hauberk.facts.v1.Fact');
  let start = 1;
  while (((resource.value[start] ?? 0) & 0x80) !== 0) start += 1;
  return JSON.parse(resource.value.subarray(start + 1).toString());
}

it('sends a grpc-js client facts, changes and removals', async () => {
  await store.commit([
    { op: 'put', resource: peerAuthentication({ mtls: { mode: 'STRICT' } }) },
    { op: 'put', resource: authorizationPolicy({}) },
  ]);
  call.write({
    type_url: POLICY,
    resource_names_subscribe: ['*', 'shop/none'],
    node: { id: 'grpc-js', metadata: { fields: { zone: { stringValue: 'z1' } } } },
  });
  const first = await next();
  expect(first.removed_resources).toEqual(['shop/none']);
  expect(first.resources.map(({ name, version }) => [name, version])).toEqual([
    ['shop/default', '1'],
  ]);
  const [fact] = first.resources;
  expect(fact && jsonOf(fact)).toEqual(await store.get(keyOf(peerAuthentication({}))));
  call.write({ type_url: POLICY, response_nonce: first.nonce });
  await store.commit([{ op: 'put', resource: peerAuthentication({}) }]);
  const second = await next();
  expect(second.resources.map(({ version }) => version)).toEqual(['3']);
  call.write({
    type_url: POLICY,
    response_nonce: second.nonce,
    error_detail: { code: 3, message: 'not today' },
  });
  await store.commit([{ op: 'delete', key: keyOf(peerAuthentication({})) }]);
  expect((await next()).removed_resources).toEqual(['shop/default']);
});

it('refuses what is too much with RESOURCE_EXHAUSTED', async () => {
  const many = Array.from({ length: 11 }, (_, index) => `shop/n${index}`);
  call.write({ type_url: POLICY, resource_names_subscribe: many });
  expect(await failed).toMatchObject({
    code: grpc.status.RESOURCE_EXHAUSTED,
    details: expect.stringContaining('the limit is 10'),
  });
});

it('refuses what is no delta discovery with INVALID_ARGUMENT', async () => {
  call.write({});
  expect((await failed).code).toBe(grpc.status.INVALID_ARGUMENT);
});

it('ends the stream when the client ends its side', async () => {
  call.write({ type_url: POLICY });
  await next();
  const ended = new Promise<void>((resolve) => call.on('end', resolve));
  call.end();
  await ended;
});
