import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ApiRig, apiRig } from '../../test/kit/api-rig.ts';
import { eventually } from '../../test/kit/eventually.ts';

let rig: ApiRig;

beforeEach(async () => {
  rig = await apiRig();
});

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const KITES = '/apis/example.org/v1/namespaces/shop/kites';
const MERGE = 'application/merge-patch+json';

function kites(
  changes: { names?: object; spec?: string; metadata?: object; group?: string } = {},
): object {
  const { names = {}, metadata = {}, group = 'example.org' } = changes;
  const version = (name: string, storage: boolean): string => `
    name: ${name}
    served: true
    storage: ${storage}
    subresources: {status: {}, scale: {specReplicasPath: .spec.tails, statusReplicasPath: .status.tails, labelSelectorPath: .status.selector}}
    additionalPrinterColumns: [{name: Color, type: string, jsonPath: .spec.color}]
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec: ${changes.spec ?? '{type: object, properties: {color: {type: string, default: red, enum: [red, blue]}, tails: {type: integer, minimum: 0}}, x-kubernetes-validations: [{rule: "!has(self.tails) || self.tails < 100", message: "too many tails"}]}'}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `kites.${group}`, ...metadata },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'kites', kind: 'Kite', shortNames: ['kt'], categories: ['toys'], ...names },
      versions: [parse(version('v1', true)), parse(version('v1beta1', false))],
    },
  };
}

const kite = (name: string, spec: object = {}, metadata: object = {}): object => ({
  ...{ apiVersion: 'example.org/v1', kind: 'Kite' },
  ...{ metadata: { name, ...metadata }, spec },
});

async function good(method: string, path: string, body?: unknown, type?: string) {
  const answered = await rig.call(method, path, {
    ...(body === undefined ? {} : { body }),
    ...(type === undefined ? {} : { type }),
  });
  expect(answered.status, answered.text).toBeLessThan(300);
  return answered.json;
}

async function defined(definition: object = kites()): Promise<void> {
  await good('POST', CRDS, definition);
  await eventually(
    'kites are served',
    () => rig.kinds.byPlural('example.org', 'kites') !== undefined,
  );
}

async function gone(): Promise<void> {
  await eventually('kites are served no more', () => rig.kinds.named('kt') === undefined);
}

describe('a kind that is defined', () => {
  it('is in every form of discovery, with its names and what is below it', async () => {
    await defined();
    const list = await good('GET', '/apis/example.org/v1');
    expect(list.resources).toEqual([
      expect.objectContaining({ name: 'kites', shortNames: ['kt'], categories: ['toys'] }),
      expect.objectContaining({ name: 'kites/scale', group: 'autoscaling', kind: 'Scale' }),
      expect.objectContaining({ name: 'kites/status' }),
    ]);
    const group = await good('GET', '/apis/example.org');
    expect(group.preferredVersion.version).toBe('v1');
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    expect((await rig.call('GET', '/apis', { accept })).text).toContain('"resource":"kites"');
  });

  it('is in OpenAPI, and changes the documents of its own group alone', async () => {
    const before = (await good('GET', '/openapi/v3')).paths;
    await defined();
    const { paths } = await good('GET', '/openapi/v3');
    expect(paths['apis/security.istio.io/v1']).toEqual(before['apis/security.istio.io/v1']);
    const document = await good('GET', '/openapi/v3/apis/example.org/v1');
    expect(
      document.components.schemas['org.example.v1.Kite'].properties.spec.properties,
    ).toMatchObject({
      color: { type: 'string', default: 'red', enum: ['red', 'blue'] },
    });
  });

  it('is completed, pruned and checked as it says, rules included', async () => {
    await defined();
    const made = await good('POST', KITES, kite('a', { tails: 2 }));
    expect(made.spec).toEqual({ color: 'red', tails: 2 });
    const strict = await rig.call('POST', `${KITES}?fieldValidation=Strict`, {
      body: kite('b', { colour: 'red' }),
    });
    expect([strict.status, strict.json.message]).toEqual([
      400,
      expect.stringContaining('unknown field "spec.colour"'),
    ]);
    expect((await good('POST', KITES, kite('c', { colour: 'red' }))).spec).toEqual({
      color: 'red',
    });
    const many = await rig.call('POST', KITES, { body: kite('d', { tails: 100 }) });
    expect([many.status, many.text]).toEqual([422, expect.stringContaining('too many tails')]);
    const odd = await rig.call('POST', KITES, { body: kite('d', { color: 'green' }) });
    expect(odd.json.details.causes[0]).toMatchObject({ reason: 'FieldValueNotSupported' });
  });

  it('is one object in all of its versions, and shown in its own columns', async () => {
    await defined();
    await good('POST', KITES, kite('a'));
    const beta = await good('GET', `${KITES.replace('v1', 'v1beta1')}/a`);
    expect([beta.apiVersion, beta.spec]).toEqual(['example.org/v1beta1', { color: 'red' }]);
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const table = (await rig.call('GET', KITES, { accept })).json;
    expect(table.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual([
      'Name',
      'Color',
    ]);
    expect(table.rows[0].cells).toEqual(['a', 'red']);
  });

  it('is watched, patched, and applied with owners of fields', async () => {
    await defined();
    const watch = rig.watch(`${KITES}?watch=true`);
    await good('POST', KITES, kite('a'));
    await good('PATCH', `${KITES}/a`, { spec: { color: 'blue' } }, MERGE);
    const applied = { ...kite('a', { tails: 3 }) };
    await good('PATCH', `${KITES}/a?fieldManager=x`, applied, 'application/apply-patch+yaml');
    await eventually('three events', () => watch.events.length === 3);
    await watch.stop();
    const strategic = 'application/strategic-merge-patch+json';
    const refused = await rig.call('PATCH', `${KITES}/a`, { body: {}, type: strategic });
    expect(refused.status).toBe(415);
  });

  it('has a status that is written by its own path alone', async () => {
    await defined();
    await good('POST', KITES, { ...kite('a'), status: { tails: 9 } });
    expect((await good('GET', `${KITES}/a`)).status).toBeUndefined();
    await good(
      'PATCH',
      `${KITES}/a/status`,
      { spec: { color: 'blue' }, status: { tails: 1 } },
      MERGE,
    );
    expect(await good('GET', `${KITES}/a`)).toMatchObject({
      spec: { color: 'red' },
      status: { tails: 1 },
      metadata: { generation: 1 },
    });
  });

  it('is scaled by the fields that it names', async () => {
    await defined();
    await good('POST', KITES, kite('a', { tails: 2 }));
    await good('PATCH', `${KITES}/a/status`, { status: { tails: 1, selector: 'a=b' } }, MERGE);
    const scale = await good('GET', `${KITES}/a/scale`);
    expect(scale).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 2 },
      status: { replicas: 1, selector: 'a=b' },
    });
    const changed = await good('PATCH', `${KITES}/a/scale`, { spec: { replicas: 5 } }, MERGE);
    expect(changed.spec.replicas).toBe(5);
    expect((await good('GET', `${KITES}/a`)).spec).toEqual({ color: 'red', tails: 5 });
    const stale = await rig.call('PUT', `${KITES}/a/scale`, { body: scale });
    expect(stale.status).toBe(409);
    const negative = { body: { spec: { replicas: -1 } }, type: MERGE };
    expect((await rig.call('PATCH', `${KITES}/a/scale`, negative)).status).toBe(422);
    const beyond = { body: { spec: { replicas: 100 } }, type: MERGE };
    expect((await rig.call('PATCH', `${KITES}/a/scale`, beyond)).text).toContain('too many tails');
  });
});

describe('a definition', () => {
  it('says that it is established, once, and an event tells', async () => {
    await defined();
    const path = `${CRDS}/kites.example.org`;
    const { status, metadata } = await good('GET', path);
    expect(status.conditions).toMatchObject([
      { type: 'NamesAccepted', status: 'True' },
      { type: 'Established', status: 'True' },
    ]);
    expect(status).toMatchObject({ acceptedNames: { kind: 'Kite' }, storedVersions: ['v1'] });
    expect(metadata.generation).toBe(1);
    expect(rig.happenings.map(({ reason }) => reason)).toEqual(['Established']);
    const { version } = rig.store;
    await good('PATCH', path, { metadata: { labels: { a: 'b' } } }, MERGE);
    expect(rig.store.version).toBe(version + 1);
  });

  it('takes effect again when it is changed', async () => {
    await defined();
    await good('POST', KITES, kite('a'));
    const spec = '{type: object, properties: {color: {type: string}, size: {type: integer}}}';
    const { metadata } = await good('GET', `${CRDS}/kites.example.org`);
    const { resourceVersion } = metadata;
    await good('PUT', `${CRDS}/kites.example.org`, kites({ spec, metadata: { resourceVersion } }));
    const schema = (): string => JSON.stringify(rig.kinds.byPlural('example.org', 'kites')?.schema);
    await eventually('the new schema', () => schema().includes('size'));
    const changed = await good('PATCH', `${KITES}/a`, { spec: { color: 'green', size: 3 } }, MERGE);
    expect(changed.spec).toEqual({ color: 'green', size: 3 });
    expect((await rig.call('GET', `${KITES}/a/scale`)).status).toBe(200);
  });

  it('is refused at once when it defines what is built in', async () => {
    const group = 'security.istio.io';
    const names = { plural: 'peerauthentications', kind: 'PeerAuthentication' };
    const metadata = { name: `peerauthentications.${group}` };
    const refused = await rig.call('POST', CRDS, { body: kites({ group, names, metadata }) });
    expect([refused.status, refused.json.message]).toEqual([
      422,
      expect.stringContaining('is built in, with its own schema, and needs no definition'),
    ]);
  });

  it('waits for its name while another has it, and is served when that is gone', async () => {
    await defined();
    const names = { plural: 'dragons', kind: 'Dragon', shortNames: ['kt'] };
    const metadata = { name: 'dragons.example.org' };
    const path = `${CRDS}/dragons.example.org`;
    await good('POST', CRDS, kites({ names, metadata }));
    await eventually('a refusal', () => rig.happenings.some(({ type }) => type === 'Warning'));
    const { status } = await good('GET', path);
    expect(status.conditions).toMatchObject([
      { type: 'NamesAccepted', status: 'False', message: expect.stringContaining('"kt"') },
      { type: 'Established', status: 'False', reason: 'NotAccepted' },
    ]);
    await good('DELETE', `${CRDS}/kites.example.org`);
    await eventually('dragons', () => rig.kinds.byPlural('example.org', 'dragons') !== undefined);
  });

  it('takes all of its kind along when it goes', async () => {
    await defined();
    await good('POST', KITES, kite('a'));
    await good('POST', KITES.replace('shop', 'default'), kite('b'));
    await good('DELETE', `${CRDS}/kites.example.org`);
    await gone();
    expect((await rig.store.list('Kite.example.org')).items).toEqual([]);
    expect((await rig.call('GET', KITES)).status).toBe(404);
    expect(rig.written.at(-1)?.changes.map(({ action }) => action)).toEqual([
      'deleted',
      'deleted',
      'deleted',
    ]);
  });

  it('stays until the last of its kind is let go, and takes in nothing new', async () => {
    await defined();
    await good('POST', KITES, kite('a', {}, { finalizers: ['example.org/string'] }));
    const left = await good('DELETE', `${CRDS}/kites.example.org`);
    expect(left.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
    await eventually('create is gone', () =>
      Boolean(
        rig.kinds.byPlural('example.org', 'kites')?.verbs?.every((verb) => verb !== 'create'),
      ),
    );
    expect((await rig.call('POST', KITES, { body: kite('b') })).status).toBe(405);
    await good('PATCH', `${KITES}/a`, { metadata: { finalizers: [] } }, MERGE);
    await gone();
    expect((await rig.call('GET', `${CRDS}/kites.example.org`)).status).toBe(404);
  });

  it('goes with a namespace only as far as that reaches', async () => {
    await defined();
    await good('POST', KITES, kite('a'));
    await good('POST', KITES.replace('shop', 'default'), kite('b'));
    await good('DELETE', '/api/v1/namespaces/shop');
    const left = (await rig.store.list('Kite.example.org')).items;
    expect(left.map(({ metadata }) => metadata.name)).toEqual(['b']);
  });

  it('of no served version is not served, and says so', async () => {
    const definition = kites() as { spec: { versions: { served: boolean }[] } };
    for (const version of definition.spec.versions) version.served = false;
    await good('POST', CRDS, definition);
    await eventually('a refusal', () => rig.happenings.length === 1);
    expect(rig.happenings[0]).toMatchObject({ type: 'Warning', reason: 'NoVersionServed' });
    expect((await rig.call('GET', KITES)).status).toBe(404);
  });

  it('warns who uses a version that it calls deprecated', async () => {
    const definition = kites() as { spec: { versions: { deprecated?: boolean }[] } };
    const [, beta] = definition.spec.versions;
    if (beta !== undefined) beta.deprecated = true;
    await defined(definition);
    const answered = await rig.call('GET', KITES.replace('v1', 'v1beta1'));
    expect(answered.headers['warning']).toContain('v1beta1 of this kind is deprecated');
  });

  it.each([
    ['specReplicasPath', { specReplicasPath: '.status.a', statusReplicasPath: '.status.b' }],
    ['statusReplicasPath', { specReplicasPath: '.spec.a', statusReplicasPath: '.spec.b' }],
  ])('is refused with a %s that is elsewhere', async (field, scale) => {
    const definition = kites() as { spec: { versions: { subresources: object }[] } };
    for (const version of definition.spec.versions) version.subresources = { scale };
    const refused = await rig.call('POST', CRDS, { body: definition });
    expect([refused.status, refused.json.message]).toEqual([422, expect.stringContaining(field)]);
  });
});
