import { beforeEach, describe, expect, it } from 'vitest';
import { createPolicy, POLICIES, policy } from '../../test/kit/api-policies.ts';
import { type ApiRig, apiRig } from '../../test/kit/api-rig.ts';

let rig: ApiRig;

beforeEach(async () => {
  rig = await apiRig();
});

const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

const create = (...wish: Parameters<typeof policy>) => createPolicy(rig, ...wish);

describe('a write', () => {
  it('is answered with the object as it is stored, and read back in every version', async () => {
    const made = await create('a');
    expect(made.metadata).toMatchObject({ name: 'a', namespace: 'shop', generation: 1 });
    expect(made.metadata.managedFields).toMatchObject([{ manager: 'rig', operation: 'Update' }]);
    const old = await rig.call('GET', `${POLICIES.replace('/v1/', '/v1beta1/')}/a`);
    expect(old.json).toEqual({ ...made, apiVersion: 'security.istio.io/v1beta1' });
  });

  it('that is a dry run shows the generation that it would be', async () => {
    await create('a');
    const patch = { type: MERGE, body: { spec: { mtls: { mode: 'DISABLE' } } } };
    const tried = await rig.call('PATCH', `${POLICIES}/a?dryRun=All`, patch);
    expect(tried.json.metadata.generation).toBe(2);
    expect((await rig.call('GET', `${POLICIES}/a`)).json.metadata.generation).toBe(1);
  });

  it('is refused together with the warnings that it has deserved', async () => {
    const wrong = { ...policy('a', 'FOO'), spec: { mtls: { mode: 'FOO' }, more: 1 } };
    const refused = await rig.call('POST', POLICIES, { body: wrong });
    expect(refused.status).toBe(422);
    expect(refused.headers['warning']).toBe('299 - "unknown field \\"spec.more\\""');
  });

  it('has each field once: the last one counts with a warning, or none when it is strict', async () => {
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"x","k":"y"}}';
    const maps = '/api/v1/namespaces/shop/configmaps';
    const strict = await rig.call('POST', `${maps}?fieldValidation=Strict`, { body });
    expect([strict.status, strict.json.message]).toEqual([
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.k"',
    ]);
    const warned = await rig.call('POST', maps, { body });
    expect([warned.status, warned.json.data, warned.headers['warning']]).toEqual([
      201,
      { k: 'y' },
      '299 - "duplicate field \\"data.k\\""',
    ]);
  });

  it('of YAML with a key twice is refused, and the refusal says which', async () => {
    const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: x, k: y}\n';
    const maps = '/api/v1/namespaces/shop/configmaps';
    const refused = await rig.call('POST', maps, { body, type: 'application/yaml' });
    expect(refused.json.message).toMatch(/^the request body is not YAML: Map keys must be unique/);
  });

  it.each([
    ['a body that is no JSON', '{', 400, /not JSON/],
    ['an array', '[]', 400, /not an object/],
    ['another kind', { ...policy('a'), kind: 'Secret' }, 400, /cannot be handled/],
    [
      'another version',
      { ...policy('a'), apiVersion: 'v1' },
      400,
      /does not match the expected API version/,
    ],
    [
      'another namespace',
      policy('a', 'STRICT', { namespace: 'x' }),
      400,
      /namespace of the provided object/,
    ],
    [
      'a resourceVersion',
      policy('a', 'STRICT', { resourceVersion: '1' }),
      400,
      /should not be set/,
    ],
    ['no name', { ...policy('a'), metadata: {} }, 422, /metadata.name: Required value/],
    ['a bad name', policy('A_'), 422, /metadata.name: Invalid value/],
    [
      'a bad value',
      policy('a', 'FOO'),
      422,
      /spec.mtls.mode: Unsupported value: "FOO": supported values: "UNSET", /,
    ],
    [
      'a key that reaches the prototype',
      '{"apiVersion":"security.istio.io/v1","kind":"PeerAuthentication","metadata":{"name":"a"},"spec":{"__proto__":{"x":1}}}',
      400,
      /__proto__/,
    ],
    [
      'nesting without end',
      `{"a":${'['.repeat(3_000)}${']'.repeat(3_000)}}`,
      400,
      /nested more than/,
    ],
  ])('refuses %s, and nothing is stored', async (_, body, status, message) => {
    const version = rig.store.version;
    const answered = await rig.call('POST', POLICIES, { body });
    expect(answered.json).toMatchObject({ kind: 'Status', status: 'Failure', code: status });
    expect(answered.status).toBe(status);
    expect(answered.json.message).toMatch(message);
    expect(rig.store.version).toBe(version);
    expect(rig.failures).toEqual([]);
  });

  it('says which field is wrong and why, for kubectl to print', async () => {
    const answered = await rig.call('POST', POLICIES, { body: policy('a', 'FOO') });
    expect(answered.json.details).toMatchObject({
      name: 'a',
      group: 'security.istio.io',
      kind: 'PeerAuthentication',
      causes: [{ reason: 'FieldValueNotSupported', field: 'spec.mtls.mode' }],
    });
  });

  it('treats unknown fields as it is asked to', async () => {
    const body = { ...policy('a'), spec: { mtlz: {} }, extra: 1 };
    const strict = await rig.call('POST', `${POLICIES}?fieldValidation=Strict`, { body });
    expect(strict.json).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect(strict.json.message).toContain(
      'strict decoding error: unknown field "spec.mtlz", unknown field "extra"',
    );
    const warned = await rig.call('POST', POLICIES, { body });
    expect(warned.headers['warning']).toBe(
      '299 - "unknown field \\"spec.mtlz\\"", 299 - "unknown field \\"extra\\""',
    );
    expect(warned.json.spec).toEqual({});
    const ignored = await rig.call('PUT', `${POLICIES}/a?fieldValidation=Ignore`, { body });
    expect(ignored.headers['warning']).toBeUndefined();
  });

  it('dry changes nothing and shows what it would be', async () => {
    const version = rig.store.version;
    const dry = await rig.call('POST', `${POLICIES}?dryRun=All`, { body: policy('a') });
    expect(dry.status).toBe(201);
    expect(dry.json.metadata.uid).toBeDefined();
    expect(rig.store.version).toBe(version);
    expect((await rig.call('POST', `${POLICIES}?dryRun=Some`, { body: policy('a') })).status).toBe(
      400,
    );
  });

  it('needs its namespace', async () => {
    const answered = await rig.call('POST', POLICIES.replace('shop', 'none'), {
      body: policy('a'),
    });
    expect(answered.json.message).toBe('namespaces "none" not found');
  });

  it('finds a name where only a beginning is given', async () => {
    const { metadata } = (
      await rig.call('POST', POLICIES, {
        body: { ...policy('x'), metadata: { generateName: 'gen-' } },
      })
    ).json;
    expect(metadata.name).toMatch(/^gen-[a-z0-9]{5}$/);
  });

  it('conflicts where somebody else was there before', async () => {
    const made = await create('a');
    expect((await rig.call('POST', POLICIES, { body: policy('a') })).json).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'peerauthentications.security.istio.io "a" already exists',
    });
    await rig.call('PATCH', `${POLICIES}/a`, {
      type: MERGE,
      body: { spec: { mtls: { mode: 'DISABLE' } } },
    });
    const stale = await rig.call('PUT', `${POLICIES}/a`, { body: made });
    expect(stale.json).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(stale.json.message).toBe(
      'Operation cannot be fulfilled on peerauthentications.security.istio.io "a": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it('that changes nothing takes no version', async () => {
    const made = await create('a');
    const again = await rig.call('PATCH', `${POLICIES}/a`, {
      type: MERGE,
      body: { spec: made.spec },
    });
    expect(again.json).toEqual(made);
  });

  it('cannot touch what is the server’s', async () => {
    const made = await create('a');
    const patch = {
      metadata: { creationTimestamp: '2001-01-01T00:00:00Z', generation: 9, selfLink: '/x' },
    };
    const { json } = await rig.call('PATCH', `${POLICIES}/a`, { type: MERGE, body: patch });
    expect(json.metadata).toMatchObject({
      generation: 1,
      creationTimestamp: made.metadata.creationTimestamp,
    });
    const other = await rig.call('PATCH', `${POLICIES}/a`, {
      type: MERGE,
      body: { metadata: { name: 'b' } },
    });
    expect(other.status).toBe(400);
  });

  it('counts generations by what is wanted alone', async () => {
    await create('a');
    const labelled = await rig.call('PATCH', `${POLICIES}/a`, {
      type: MERGE,
      body: { metadata: { labels: { x: 'y' } } },
    });
    expect(labelled.json.metadata.generation).toBe(1);
    const changed = await rig.call('PATCH', `${POLICIES}/a`, {
      type: MERGE,
      body: { spec: { mtls: { mode: 'DISABLE' } } },
    });
    expect(changed.json.metadata.generation).toBe(2);
  });

  it.each([
    ['application/strategic-merge-patch+json', 415],
    ['text/plain', 415],
    ['application/json-patch+json', 400],
  ])('answers a patch of type %s with %d', async (type, status) => {
    await create('a');
    expect((await rig.call('PATCH', `${POLICIES}/a`, { type, body: {} })).status).toBe(status);
  });

  it('merges strategically what is Kubernetes’ own', async () => {
    const body = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'web', labels: { a: '1' } },
    };
    await rig.call('POST', '/api/v1/namespaces/shop/serviceaccounts', { body });
    const { json } = await rig.call('PATCH', '/api/v1/namespaces/shop/serviceaccounts/web', {
      type: 'application/strategic-merge-patch+json',
      body: { metadata: { labels: { a: null, b: '2' } } },
    });
    expect(json.metadata.labels).toEqual({ b: '2' });
  });

  it('is on the record, from which version to which, and never with what is in it', async () => {
    const made = await create('a');
    await rig.call('PATCH', `${POLICIES}/a`, {
      type: MERGE,
      body: { spec: { mtls: { mode: 'DISABLE' } } },
    });
    await rig.call('DELETE', `${POLICIES}/a`);
    const { resourceVersion } = made.metadata;
    const actions = rig.written.flatMap(({ changes }) => changes);
    expect(actions.map(({ action, fromVersion }) => [action, fromVersion])).toEqual([
      ['created', undefined],
      ['configured', resourceVersion],
      ['deleted', String(Number(resourceVersion) + 1)],
    ]);
    expect(JSON.stringify(rig.written)).not.toContain('DISABLE');
    expect(rig.written[0]).toMatchObject({
      user: { name: 'admin' },
      userAgent: 'rig/1.0',
      peerAddress: '127.0.0.1',
    });
  });

  it('survives a hundred at once: each is counted', async () => {
    await create('a');
    const patches = Array.from({ length: 100 }, (_, index) =>
      rig.call('PATCH', `${POLICIES}/a`, {
        type: MERGE,
        body: { metadata: { labels: { [`k${index}`]: 'v' } } },
      }),
    );
    const good = (await Promise.all(patches)).filter(({ status }) => status === 200);
    const { json } = await rig.call('GET', `${POLICIES}/a`);
    expect(Object.keys(json.metadata.labels)).toHaveLength(good.length);
    expect(good.length).toBeGreaterThan(0);
  });
});

describe('server-side apply through the API', () => {
  const config = (mode: string): object => policy('a', mode);
  const apply = (manager: string, body: object, more = '') =>
    rig.call('PATCH', `${POLICIES}/a?fieldManager=${manager}${more}`, { type: APPLY, body });

  it('makes, keeps and takes over', async () => {
    const made = await apply('one', config('STRICT'));
    expect(made.status).toBe(201);
    const again = await apply('one', config('STRICT'));
    expect(again.json).toEqual(made.json);
    const refused = await apply('two', config('DISABLE'));
    expect(refused.json).toMatchObject({
      code: 409,
      details: { causes: [{ reason: 'FieldManagerConflict', field: '.spec.mtls.mode' }] },
    });
    const forced = await apply('two', config('DISABLE'), '&force=true');
    expect(forced.json.spec.mtls.mode).toBe('DISABLE');
  });

  it('needs a manager, and no managed fields', async () => {
    expect(
      (await rig.call('PATCH', `${POLICIES}/a`, { type: APPLY, body: config('STRICT') })).status,
    ).toBe(400);
    const given = policy('a', 'STRICT', { managedFields: [{ manager: 'x' }] });
    expect((await apply('one', given)).json.message).toBe('metadata.managedFields must be nil');
  });

  it('lets a JSON patch rewrite who owns what, as kubectl does to migrate', async () => {
    await create('a');
    const patch = [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }];
    const { json } = await rig.call('PATCH', `${POLICIES}/a`, {
      type: 'application/json-patch+json',
      body: patch,
    });
    expect(json.metadata.managedFields).toBeUndefined();
  });
});
