import { beforeEach, describe, expect, it } from 'vitest';
import { createPolicy, POLICIES, policy } from '../../test/kit/api-policies.ts';
import { type ApiRig, admin, apiRig } from '../../test/kit/api-rig.ts';
import { anonymous, authenticated, serviceAccountUser } from './rights/user-info.ts';

let rig: ApiRig;

beforeEach(async () => {
  rig = await apiRig();
});

const MERGE = 'application/merge-patch+json';

const create = (...wish: Parameters<typeof policy>) => createPolicy(rig, ...wish);

describe('a deletion', () => {
  it('waits for finalizers', async () => {
    await create('a', 'STRICT', { finalizers: ['x.dev/y'] });
    const marked = await rig.call('DELETE', `${POLICIES}/a`);
    expect(marked.json.metadata.deletionTimestamp).toBeDefined();
    const added = await rig.call('PATCH', `${POLICIES}/a`, {
      type: MERGE,
      body: { metadata: { finalizers: ['x.dev/y', 'z.dev/z'] } },
    });
    expect([added.status, added.json.details.causes]).toEqual([
      422,
      [
        {
          reason: 'FieldValueForbidden',
          message: expect.stringContaining('no new finalizers can be added'),
          field: 'metadata.finalizers',
        },
      ],
    ]);
    await rig.call('PATCH', `${POLICIES}/a`, {
      type: MERGE,
      body: { metadata: { finalizers: null } },
    });
    expect((await rig.call('GET', `${POLICIES}/a`)).status).toBe(404);
  });

  it('looks at preconditions', async () => {
    await create('a');
    const body = { preconditions: { uid: 'other' } };
    expect((await rig.call('DELETE', `${POLICIES}/a`, { body })).json).toMatchObject({
      code: 409,
      reason: 'Conflict',
    });
    expect((await rig.call('DELETE', `${POLICIES}/a?dryRun=All`)).status).toBe(200);
    const { json } = await rig.call('DELETE', `${POLICIES}/a`);
    expect(json).toMatchObject({
      status: 'Success',
      details: { name: 'a', kind: 'peerauthentications' },
    });
  });

  it.each([
    ['services', { kind: 'Service', spec: { ports: [{ port: 80 }] } }, 'Service'],
    ['serviceaccounts', { kind: 'ServiceAccount' }, 'ServiceAccount'],
    ['configmaps', { kind: 'ConfigMap' }, 'Status'],
  ])(
    'of %s is answered as clients made from Kubernetes’ schema read it',
    async (plural, object, kind) => {
      const path = `/api/v1/namespaces/shop/${plural}`;
      const body = { apiVersion: 'v1', metadata: { name: 'gone' }, ...object };
      expect((await rig.call('POST', path, { body })).status).toBe(201);
      const { json } = await rig.call('DELETE', `${path}/gone`);
      expect(json).toMatchObject(
        kind === 'Status' ? { kind, status: 'Success' } : { kind, metadata: { name: 'gone' } },
      );
      expect((await rig.call('GET', `${path}/gone`)).status).toBe(404);
    },
  );

  it('of a collection takes what the selector says', async () => {
    await create('a', 'STRICT', { labels: { x: '1' } });
    await create('b');
    await rig.call('DELETE', `${POLICIES}?labelSelector=x%3D1`);
    const { json } = await rig.call('GET', POLICIES);
    expect(json.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual([
      'b',
    ]);
  });

  it('takes along what is owned, unless it is to be orphaned', async () => {
    const owner = await create('owner');
    const { uid } = owner.metadata;
    const ownerReferences = [
      { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', name: 'owner', uid },
    ];
    await create('owned', 'STRICT', { ownerReferences });
    await rig.call('DELETE', `${POLICIES}/owner`);
    expect((await rig.call('GET', `${POLICIES}/owned`)).status).toBe(404);
  });

  it('of a namespace takes all that is in it, and waits for what is held', async () => {
    await create('a');
    await create('held', 'STRICT', { finalizers: ['x.dev/y'] });
    const { json } = await rig.call('DELETE', '/api/v1/namespaces/shop');
    expect(json).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } });
    expect((await rig.call('GET', `${POLICIES}/a`)).status).toBe(404);
    const refused = await rig.call('POST', POLICIES, { body: policy('late') });
    expect(refused.json).toMatchObject({
      code: 403,
      details: { causes: [{ reason: 'NamespaceTerminating' }] },
    });
    await rig.call('PATCH', `${POLICIES}/held`, {
      type: MERGE,
      body: { metadata: { finalizers: [] } },
    });
    expect((await rig.call('GET', '/api/v1/namespaces/shop')).status).toBe(404);
  });

  it('of the account that every namespace has makes it anew, as another', async () => {
    const path = '/api/v1/namespaces/shop/serviceaccounts/default';
    const before = (await rig.call('GET', path)).json.metadata.uid;
    await rig.call('DELETE', path);
    const { uid } = (await rig.call('GET', path)).json.metadata;
    expect(uid).toEqual(expect.any(String));
    expect(uid).not.toBe(before);
    expect(rig.written.flatMap(({ changes }) => changes.map(({ action }) => action))).toEqual([
      'deleted',
      'created',
    ]);
    await rig.call('DELETE', '/api/v1/namespaces/shop');
    expect((await rig.call('GET', path)).status).toBe(404);
  });

  it('spares the namespaces that must last', async () => {
    expect((await rig.call('DELETE', '/api/v1/namespaces/default')).json.code).toBe(403);
  });
});

it('shows an aggregated role with the rules that it has', async () => {
  const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
  const part = (name: string, resources: readonly string[]) => ({
    metadata: { name, labels: { 'x.dev/into-all': 'true' } },
    rules: [{ apiGroups: [''], resources, verbs: ['get'] }],
  });
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { 'x.dev/into-all': 'true' } }] };
  const whole = { metadata: { name: 'all' }, aggregationRule, rules: [] };
  for (const body of [part('a', ['pods']), part('b', ['services']), whole]) {
    expect((await rig.call('POST', roles, { body })).status).toBe(201);
  }
  const { rules } = (await rig.call('GET', `${roles}/all`)).json;
  expect(rules).toEqual([...part('a', ['pods']).rules, ...part('b', ['services']).rules]);
  const { items } = (await rig.call('GET', roles)).json;
  expect(items.map((item: { rules: readonly object[] }) => item.rules.length)).toEqual([1, 2, 1]);
  const stored = await rig.store.get({
    kind: 'ClusterRole.rbac.authorization.k8s.io',
    name: 'all',
  });
  expect(stored?.['rules']).toEqual([]);
});

describe('who may do what', () => {
  const joe = authenticated({ name: 'joe', groups: [] });
  const RBAC = 'rbac.authorization.k8s.io';

  async function role(rules: readonly object[]): Promise<void> {
    const apiVersion = `${RBAC}/v1`;
    await rig.store.commit([
      {
        op: 'put',
        resource: { apiVersion, kind: 'Role', metadata: { name: 'r', namespace: 'shop' }, rules },
      },
      {
        op: 'put',
        resource: {
          apiVersion,
          kind: 'RoleBinding',
          metadata: { name: 'b', namespace: 'shop' },
          roleRef: { apiGroup: RBAC, kind: 'Role', name: 'r' },
          subjects: [
            { kind: 'User', name: 'joe' },
            { kind: 'ServiceAccount', name: 'web', namespace: 'shop' },
          ],
        },
      },
    ]);
  }

  it('is what roles say, and nothing else', async () => {
    await role([
      {
        apiGroups: ['security.istio.io'],
        resources: ['peerauthentications'],
        verbs: ['get', 'list'],
      },
    ]);
    expect((await rig.call('GET', POLICIES, { user: joe })).status).toBe(200);
    expect(
      (await rig.call('GET', POLICIES, { user: serviceAccountUser('shop', 'web') })).status,
    ).toBe(200);
    const refused = await rig.call('POST', POLICIES, { user: joe, body: policy('a') });
    expect(refused.json).toMatchObject({ code: 403, reason: 'Forbidden' });
    expect(refused.json.message).toBe(
      'peerauthentications.security.istio.io is forbidden: User "joe" cannot create resource "peerauthentications" in API group "security.istio.io" in the namespace "shop"',
    );
    expect((await rig.call('GET', POLICIES.replace('shop', 'default'), { user: joe })).status).toBe(
      403,
    );
    expect(
      (await rig.call('GET', '/apis/security.istio.io/v1/peerauthentications', { user: joe }))
        .status,
    ).toBe(403);
  });

  it('is narrowed by names', async () => {
    await create('a');
    await role([{ apiGroups: ['*'], resources: ['*'], resourceNames: ['a'], verbs: ['*'] }]);
    expect((await rig.call('GET', `${POLICIES}/a`, { user: joe })).status).toBe(200);
    expect((await rig.call('GET', `${POLICIES}/b`, { user: joe })).status).toBe(403);
    expect(
      (await rig.call('GET', `${POLICIES}?fieldSelector=metadata.name%3Da`, { user: joe })).status,
    ).toBe(200);
  });

  it('is nothing for the nameless', async () => {
    expect((await rig.call('GET', '/api/v1/secrets', { user: anonymous })).status).toBe(403);
    expect((await rig.call('GET', '/api/v1/secrets', { user: admin })).status).toBe(200);
  });
});
