import { beforeEach, describe, expect, it } from 'vitest';
import { createPolicy, POLICIES, type policy } from '../../test/kit/api-policies.ts';
import { type ApiRig, apiRig } from '../../test/kit/api-rig.ts';
import { eventually } from '../../test/kit/eventually.ts';

let rig: ApiRig;

beforeEach(async () => {
  rig = await apiRig();
});

const MERGE = 'application/merge-patch+json';

const create = (...wish: Parameters<typeof policy>) => createPolicy(rig, ...wish);

describe('a list', () => {
  it('is read in pages of one version', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name);
    const first = (await rig.call('GET', `${POLICIES}?limit=2`)).json;
    expect(first.metadata).toMatchObject({ remainingItemCount: 3 });
    await rig.call('DELETE', `${POLICIES}/e`);
    const second = (
      await rig.call('GET', `${POLICIES}?limit=5&continue=${first.metadata.continue}`)
    ).json;
    const names = [...first.items, ...second.items].map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    );
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion });
  });

  it('is begun again where its version is gone', async () => {
    for (const name of ['a', 'b', 'c']) await create(name);
    const { continue: token } = (await rig.call('GET', `${POLICIES}?limit=1`)).json.metadata;
    const other = Buffer.from(token, 'base64url')
      .toString()
      .replace(/"rv":\d+/, '"rv":1');
    const stale = Buffer.from(other).toString('base64url');
    const gone = (await rig.call('GET', `${POLICIES}?limit=1&continue=${stale}`)).json;
    expect(gone).toMatchObject({ code: 410, reason: 'Expired' });
    const rest = await rig.call('GET', `${POLICIES}?continue=${gone.metadata.continue}`);
    expect(rest.json.items).toHaveLength(2);
    expect((await rig.call('GET', `${POLICIES}?continue=nonsense`)).status).toBe(400);
  });

  it('of a version that never was is refused', async () => {
    const answered = await rig.call('GET', `${POLICIES}?resourceVersion=99999`);
    expect(answered.json).toMatchObject({ code: 504, reason: 'Timeout' });
    expect(answered.headers['retry-after']).toBe('1');
    expect((await rig.call('GET', `${POLICIES}?resourceVersion=0`)).status).toBe(200);
    expect((await rig.call('GET', `${POLICIES}?resourceVersion=x`)).status).toBe(400);
  });

  it.each(['abc', '-3', '1.5', '9'.repeat(16)])(
    'with timeoutSeconds=%s is refused',
    async (text) => {
      const path = `${POLICIES}?timeoutSeconds=${text}`;
      for (const answered of [
        await rig.call('GET', path),
        await rig.call('GET', `${path}&watch=1`),
        await rig.call('DELETE', path),
      ]) {
        const message = `timeoutSeconds: Invalid value: "${text}": must be a whole number`;
        expect(answered.json).toMatchObject({ code: 400, reason: 'BadRequest', message });
      }
      expect((await rig.call('GET', `${POLICIES}?timeoutSeconds=10`)).status).toBe(200);
    },
  );

  it('is YAML for who wants that, and a watch never is', async () => {
    await create('a');
    const { headers, text } = await rig.call('GET', `${POLICIES}/a`, {
      accept: 'application/yaml',
    });
    expect(headers['content-type']).toBe('application/yaml');
    expect(text).toMatch(/^apiVersion: security.istio.io\/v1\nkind: PeerAuthentication\n/);
    expect(text).toMatch(/creationTimestamp: "2026-/);
    const watch = await rig.call('GET', `${POLICIES}?watch=true`, { accept: 'application/yaml' });
    expect([watch.status, watch.json.message]).toEqual([
      406,
      'only the following media types are accepted: application/json',
    ]);
  });

  it('is a Table for who takes one', async () => {
    await create('a');
    const { json, headers } = await rig.call('GET', POLICIES, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    });
    expect(headers['content-type']).toBe('application/json;as=Table;v=v1;g=meta.k8s.io');
    expect(json.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual([
      'Name',
      'Mode',
      'Age',
    ]);
    expect(json.rows[0]).toMatchObject({
      cells: ['a', 'STRICT', '0s'],
      object: { kind: 'PartialObjectMetadata' },
    });
  });
});

describe('a watch', () => {
  const names = (events: readonly { type: string; object: { metadata: { name?: string } } }[]) =>
    events.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`.trim());

  it('tells of what happens after a version', async () => {
    await create('a');
    const watch = rig.watch(`${POLICIES}?watch=true&resourceVersion=${rig.store.version}`);
    await create('b');
    await rig.call('DELETE', `${POLICIES}/a`);
    await eventually('both events', () => watch.events.length === 2);
    expect(names(watch.events)).toEqual(['ADDED b', 'DELETED a']);
    await watch.stop();
  });

  it('begins with what is there, and says when that was all', async () => {
    await create('a');
    const watch = rig.watch(
      `${POLICIES}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    await eventually('the bookmark', () => watch.events.length === 2);
    expect(watch.events[1]).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    await watch.stop();
  });

  it('lets objects come and go as their labels change', async () => {
    await create('a');
    const watch = rig.watch(
      `${POLICIES}?watch=true&labelSelector=x%3D1&resourceVersion=${rig.store.version}`,
    );
    for (const x of ['1', '1', '2', '3']) {
      await rig.call('PATCH', `${POLICIES}/a`, {
        type: MERGE,
        body: { metadata: { labels: { x, n: String(rig.store.version) } } },
      });
    }
    await create('marker', 'STRICT', { labels: { x: '1' } });
    await eventually('the marker', () => watch.events.length >= 4);
    expect(names(watch.events)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED marker']);
    await watch.stop();
  });

  it('sends the same bytes to all who watch alike', async () => {
    const path = `${POLICIES}?watch=true&resourceVersion=${rig.store.version}`;
    const watches = [rig.watch(path), rig.watch(path)];
    await create('a');
    await eventually('both to see it', () => watches.every(({ buffers }) => buffers.length === 1));
    expect(watches[0]?.buffers[0]).toBe(watches[1]?.buffers[0]);
    await Promise.all(watches.map((watch) => watch.stop()));
  });

  it('ends after the time asked for', async () => {
    const watch = rig.watch(`${POLICIES}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true`);
    await watch.ended;
    expect(watch.events.at(-1)).toMatchObject({ type: 'BOOKMARK' });
  });

  it('has no bookmarks for who has not asked for them', async () => {
    await create('a');
    const watch = rig.watch(`${POLICIES}?watch=true&timeoutSeconds=1`);
    await watch.ended;
    expect(watch.events.map(({ type }) => type)).toEqual(['ADDED']);
  });

  it('of a version that never was is refused before it begins', async () => {
    expect((await rig.call('GET', `${POLICIES}?watch=true&resourceVersion=9999`)).json.code).toBe(
      504,
    );
  });
});

describe('discovery', () => {
  it('says everything at once to who asks so', async () => {
    const accept =
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const { json, headers } = await rig.call('GET', '/apis', { accept });
    expect(headers['content-type']).toBe(
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    );
    const security = json.items.find(
      ({ metadata }: { metadata: { name: string } }) => metadata.name === 'security.istio.io',
    );
    expect(security.versions[0]).toMatchObject({ version: 'v1', freshness: 'Current' });
    expect(security.versions[0].resources[1]).toMatchObject({
      resource: 'peerauthentications',
      scope: 'Namespaced',
      shortNames: ['pa'],
    });
  });

  it('says it in the old way too', async () => {
    expect((await rig.call('GET', '/api')).json.versions).toEqual(['v1']);
    expect((await rig.call('GET', '/apis')).json.kind).toBe('APIGroupList');
    expect((await rig.call('GET', '/apis/security.istio.io')).json.preferredVersion.version).toBe(
      'v1',
    );
    expect(
      (await rig.call('GET', '/api/v1')).json.resources.map(({ name }: { name: string }) => name),
    ).toContain('secrets');
    expect((await rig.call('GET', '/apis/none')).status).toBe(404);
    expect((await rig.call('GET', '/apis/security.istio.io/v9')).status).toBe(404);
  });

  it('describes every kind in OpenAPI v3, once for each hash', async () => {
    const index = (await rig.call('GET', '/openapi/v3')).json.paths;
    const { serverRelativeURL } = index['apis/security.istio.io/v1'];
    const document = await rig.call('GET', serverRelativeURL);
    expect(document.headers['cache-control']).toBe('public, immutable');
    const schema = document.json.components.schemas['io.istio.security.v1.PeerAuthentication'];
    expect(schema['x-kubernetes-group-version-kind']).toEqual([
      { group: 'security.istio.io', version: 'v1', kind: 'PeerAuthentication' },
    ]);
    expect(schema.properties.spec.properties.mtls.properties.mode.enum).toContain('STRICT');
    const again = await rig.call('GET', '/openapi/v3/apis/security.istio.io/v1', {
      headers: { 'if-none-match': document.headers['etag'] ?? '' },
    });
    expect(again.status).toBe(304);
  });

  it('has of OpenAPI v2 what kubectl needs', async () => {
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    expect((await rig.call('GET', '/openapi/v2', { accept })).status).toBe(200);
    expect((await rig.call('GET', '/openapi/v2', { accept: 'text/plain' })).status).toBe(406);
  });
});
