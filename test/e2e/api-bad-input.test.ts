import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiClient } from '../kit/api-client.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { eventually } from '../kit/eventually.ts';

const CMS = '/api/v1/namespaces/shop/configmaps';
const SECRETS = '/api/v1/namespaces/shop/secrets';
const RULES = '/apis/monitoring.coreos.com/v1/namespaces/shop/prometheusrules';
const POLICIES = '/apis/security.istio.io/v1/namespaces/shop/peerauthentications';

let plane: ControlPlaneRig;
let call: ReturnType<typeof apiClient>;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  call = apiClient(plane.kubeconfig);
});
afterAll(() => plane.close());

const type = (name: string) => ({ 'content-type': name });
const json = type('application/json');
const yaml = type('application/yaml');
const protobuf = type('application/vnd.kubernetes.protobuf');
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
const k8s = (...bytes: number[]): Buffer => Buffer.from([0x6b, 0x38, 0x73, 0, ...bytes]);

/** What people have stored, each object with its version; the control plane may write of itself meanwhile. */
async function stored(): Promise<readonly string[]> {
  const lists = await Promise.all([CMS, SECRETS].map(async (path) => (await call(path)).json));
  return lists.flatMap(({ kind, items }) =>
    items.map(
      ({ metadata }: { readonly metadata: { name: string; resourceVersion: string } }) =>
        `${kind} ${metadata.name} ${metadata.resourceVersion}`,
    ),
  );
}

describe('a body through HTTP', () => {
  it.each<[string, Buffer | string, Record<string, string>, number, RegExp]>([
    ['JSON that is cut off', '{"a":', json, 400, /not JSON/],
    ['JSON that is a list', '[]', json, 400, /not an object/],
    ['nothing', '', json, 400, /./],
    ['letters that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), json, 400, /not UTF-8/],
    ['YAML that is none', 'a: [1\nb: ]', yaml, 400, /not YAML/],
    ['YAML with a key twice', 'kind: ConfigMap\nkind: Secret\n', yaml, 400, /not YAML/],
    [
      'YAML that grows without end',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`).join('\n')}\n`,
      yaml,
      400,
      /./,
    ],
    ['protobuf without its mark', Buffer.from('nonsense'), protobuf, 400, /./],
    ['protobuf that is cut off', k8s(0x0a, 0x7f, 1), protobuf, 400, /./],
    ['protobuf of an unknown kind', k8s(0x0a, 4, 0x0a, 0, 0x12, 0), protobuf, 415, /./],
    ['a type that nobody reads', 'a=b', type('text/plain'), 415, /unknown format/],
    ['a form', 'a=b', type('application/x-www-form-urlencoded'), 415, /unknown format/],
    ['nesting without end', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, json, 400, /nested/],
    [
      'a key that reaches the prototype',
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"x"}}',
      json,
      400,
      /__proto__/,
    ],
    [
      'the prototype in metadata',
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","__proto__":{"x":1}}}',
      json,
      400,
      /__proto__/,
    ],
    [
      'another kind than the path',
      JSON.stringify({ ...configMap, kind: 'Secret' }),
      json,
      400,
      /cannot be handled/,
    ],
    [
      '2 MB in one object',
      JSON.stringify({ ...configMap, data: { a: 'x'.repeat(2_000_000) } }),
      json,
      422,
      /./,
    ],
  ])('of %s is refused with the right Status, and nothing is stored', async (...row) => {
    const [, body, headers, status, message] = row;
    const before = await stored();
    const reply = await call(CMS, { method: 'POST', body, headers });
    expect(reply.json, reply.body.toString()).toMatchObject({ kind: 'Status', status: 'Failure' });
    expect([reply.status, reply.json.code]).toEqual([status, status]);
    expect(reply.json.message).toMatch(message);
    expect(await stored()).toEqual(before);
    expect(Object.prototype).not.toHaveProperty('x');
  });

  it('of 10 MB is refused before it is read', async () => {
    const reply = await call(CMS, {
      method: 'POST',
      body: Buffer.alloc(10 * 1024 * 1024, 0x20),
    }).catch(() => ({ status: 413 }));
    expect(reply.status).toBe(413);
    expect((await call('/healthz')).status).toBe(200);
  });
});

describe('a patch through HTTP', () => {
  beforeAll(async () => {
    const body = { ...configMap, metadata: { name: 'patched' }, data: { a: 'b' } };
    expect((await call(CMS, { method: 'POST', body })).status).toBe(201);
  });

  it.each([
    ['application/json-patch+json', '[{"op":"add","path":"/__proto__/x","value":1}]', 4],
    [
      'application/json-patch+json',
      '[{"op":"add","path":"/constructor/prototype/x","value":1}]',
      4,
    ],
    ['application/json-patch+json', '[{"op":"jump","path":"/data"}]', 4],
    ['application/json-patch+json', '{"op":"add"}', 4],
    ['application/json-patch+json', '[{"op":"test","path":"/data/a","value":"z"}]', 4],
    ['application/merge-patch+json', '{"data":{"__proto__":{"x":1}}}', 4],
    ['application/merge-patch+json', '[]', 4],
    ['application/strategic-merge-patch+json', '{"metadata":{"__proto__":{"x":1}}}', 4],
    ['application/apply-patch+yaml', 'a: [', 4],
    ['application/nonsense', '{}', 4],
  ])('%s %s is refused, and nothing is stored', async (name, body, hundreds) => {
    const before = await stored();
    const path = `${CMS}/patched?fieldManager=x`;
    const reply = await call(path, { method: 'PATCH', body, headers: type(name) });
    expect([Math.floor(reply.status / 100), reply.json.kind]).toEqual([hundreds, 'Status']);
    expect(await stored()).toEqual(before);
    expect({}).not.toHaveProperty('x');
  });
});

describe('a query through HTTP', () => {
  it.each([
    ['labelSelector=a%20in%20(', 400],
    ['labelSelector=%3D%3D', 400],
    [`labelSelector=${'a'.repeat(300)}`, 400],
    ['fieldSelector=spec.nonsense%3Dx', 400],
    ['fieldSelector=metadata.name', 400],
    ['limit=-1', 400],
    ['limit=many', 400],
    ['continue=nonsense', 400],
    ['resourceVersion=nonsense', 400],
    ['resourceVersion=99999999999', 504],
    ['resourceVersion=1&resourceVersionMatch=Exact', 410],
    ['watch=true&resourceVersion=99999999999', 504],
    ['watch=true&sendInitialEvents=true', 400],
    ['watch=true&timeoutSeconds=x', 400],
  ])('of ?%s is answered with %s', async (query, status) => {
    const reply = await call(`${CMS}?${query}`);
    expect([reply.status, reply.json.kind]).toEqual([status, 'Status']);
  });

  it.each([
    '/api/v1/namespaces/shop/configmaps/%00',
    '/api//v1',
    `/api/v1/namespaces/${'x'.repeat(3_000)}`,
    '/apis/nobody.example.org/v1/things',
  ])('to %s finds nothing', async (path) => {
    expect((await call(path)).status).toBe(404);
  });

  it.each(['/healthz/../api/v1/secrets', '/version/%2e%2e/api/v1/namespaces/shop/configmaps'])(
    'to %s is judged by where it leads',
    async (path) => {
      expect((await call(path, { as: 'nobody' })).status).toBe(403);
      expect((await call(path)).status).toBe(200);
    },
  );

  it('with an answer that nobody makes is refused', async () => {
    const reply = await call(CMS, { headers: { accept: 'text/html' } });
    expect(reply.status).toBe(406);
  });
});

describe('patterns that people define', () => {
  it('are RE2’s, and take no time whatever is matched by them', async () => {
    const pattern = '^(a+)+$';
    const body = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'words.example.org' },
      spec: {
        group: 'example.org',
        scope: 'Namespaced',
        names: { plural: 'words', kind: 'Word' },
        versions: [
          {
            ...{ name: 'v1', served: true, storage: true },
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: { type: 'object', properties: { a: { type: 'string', pattern } } },
                },
              },
            },
          },
        ],
      },
    };
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    expect((await call(crds, { method: 'POST', body })).status).toBe(201);
    const words = '/apis/example.org/v1/namespaces/shop/words';
    await eventually('words are served', async () => (await call(words)).status === 200);
    const word = (a: string) => ({
      ...{ apiVersion: 'example.org/v1', kind: 'Word', metadata: { name: 'w' }, spec: { a } },
    });
    // JavaScript's own engine would take longer than the universe has had.
    const slow = await call(words, { method: 'POST', body: word(`${'a'.repeat(5_000)}!`) });
    expect([slow.status, slow.json.message]).toEqual([422, expect.stringContaining('spec.a')]);
    expect((await call(words, { method: 'POST', body: word('aaa') })).status).toBe(201);
    const bad = structuredClone(body);
    const [version] = bad.spec.versions;
    if (version !== undefined) {
      version.schema.openAPIV3Schema.properties.spec.properties.a.pattern = '(?=look)ahead';
    }
    bad.metadata.name = 'others.example.org';
    bad.spec.names = { plural: 'others', kind: 'Other' };
    const refused = await call(crds, { method: 'POST', body: bad });
    expect([refused.status, refused.json.message]).toEqual([
      422,
      expect.stringContaining('pattern'),
    ]);
  });

  it('of other kinds than people’s own are checked too', async () => {
    const rule = (warning: string) => ({
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { name: 'r' },
      spec: { groups: [{ name: 'g', partial_response_strategy: warning, rules: [] }] },
    });
    const refused = await call(RULES, { method: 'POST', body: rule('nonsense') });
    expect([refused.status, refused.json.kind]).toEqual([422, 'Status']);
    expect((await call(RULES, { method: 'POST', body: rule('Abort') })).status).toBe(201);
  });
});

describe('an answer through HTTP', () => {
  it('is packed where it is large and the client can unpack', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    for (const name of ['large-1', 'large-2']) {
      const body = { ...configMap, metadata: { name }, data: { a: 'x'.repeat(100_000) } };
      expect((await call(CMS, { method: 'POST', body })).status).toBe(201);
    }
    const large = await call(CMS, { headers });
    expect(large.headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(large.body).toString()).kind).toBe('ConfigMapList');
    const small = await call('/version', { headers });
    expect(small.headers['content-encoding']).toBeUndefined();
    expect((await call(CMS)).headers['content-encoding']).toBeUndefined();
  });

  it('with the keys of tokens is for service accounts, and for whoever it is bound to', async () => {
    const path = '/.well-known/openid-configuration';
    expect((await call(path, { as: 'nobody' })).status).toBe(403);
    const token = await plane.operator.serviceAccountToken('shop', 'reviews', []);
    const headers = { authorization: `Bearer ${token}` };
    const found = await call(path, { as: 'nobody', headers });
    expect([found.status, found.json.jwks_uri]).toEqual([
      200,
      expect.stringContaining('/openid/v1/jwks'),
    ]);
    const keys = await call('/openid/v1/jwks', { as: 'nobody', headers });
    expect(keys.headers['content-type']).toBe('application/jwk-set+json');
    expect(JSON.parse(keys.body.toString()).keys[0].use).toBe('sig');
  });

  it('warns of unknown fields, refuses or drops them, as is wished', async () => {
    const body = {
      ...{ apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication' },
      ...{ metadata: { name: 'odd' }, spec: { mtlz: 1 } },
    };
    const post = (wish: string) =>
      call(`${POLICIES}?fieldValidation=${wish}&dryRun=All`, { method: 'POST', body });
    expect((await post('Strict')).status).toBe(400);
    expect((await post('Warn')).headers['warning']).toContain('unknown field');
    expect((await post('Ignore')).headers['warning']).toBeUndefined();
  });
});
