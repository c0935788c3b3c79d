import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { parseManifest } from '../resources/parse-manifest.ts';
import { memoryStore } from '../store/memory-store.ts';
import type { Store } from '../store/store.ts';
import { type Admission, admission } from './admission.ts';
import type { ResourceChange } from './control-events.ts';

let store: Store;
let gate: Admission;
let reported: ResourceChange[];

beforeEach(() => {
  store = memoryStore({ clock: new ManualClock() });
  reported = [];
  gate = admission({
    store,
    events: { resourcesChanged: ({ changes }) => reported.push(...changes) },
  });
});

function apply(text: string): Promise<readonly ResourceChange[]> {
  return gate.apply(parseManifest(text, { source: 'test.yaml' }), 'tester');
}

const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n';
const ACCOUNT =
  'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: reviews, namespace: shop, labels: { app: a } }\n';
const actions = (changes: readonly ResourceChange[]): string[] =>
  changes.map(({ key, action }) => `${key.name} ${action}`);

describe('apply', () => {
  it('says of each object whether it was created, configured or left as it was', async () => {
    expect(actions(await apply(`${NAMESPACE}---\n${ACCOUNT}`))).toEqual([
      'shop created',
      'reviews created',
      'default created',
    ]);
    expect(actions(await apply(ACCOUNT))).toEqual(['reviews unchanged']);
    expect(actions(await apply(ACCOUNT.replace('app: a', 'app: b')))).toEqual([
      'reviews configured',
    ]);
    expect(actions(reported)).toEqual([
      'shop created',
      'reviews created',
      'default created',
      'reviews configured',
    ]);
  });

  it('leaves the default account of a namespace alone that exists already', async () => {
    const annotated = ACCOUNT.replace('name: reviews', 'name: default');
    await apply(`${NAMESPACE}---\n${annotated}`);
    await apply(NAMESPACE);
    const account = await store.get({ kind: 'ServiceAccount', namespace: 'shop', name: 'default' });
    expect(account?.metadata.labels).toEqual({ app: 'a' });
  });

  it('stores nothing when one document may not be stored', async () => {
    const elsewhere = ACCOUNT.replace('namespace: shop', 'namespace: nowhere');
    await expect(apply(`${NAMESPACE}---\n${elsewhere}`)).rejects.toThrow(
      /namespace "nowhere" does not exist/,
    );
    expect(store.version).toBe(0);
    expect(reported).toEqual([]);
  });

  it('refuses a file that was made from an older version of the object', async () => {
    const [, created] = await apply(`${NAMESPACE}---\n${ACCOUNT}`);
    const stale = ACCOUNT.replace(
      '{ name: reviews',
      `{ resourceVersion: "${created?.resourceVersion}", name: reviews`,
    );
    await apply(ACCOUNT.replace('app: a', 'app: b'));
    await expect(apply(stale.replace('app: a', 'app: c'))).rejects.toMatchObject({
      code: 'ERR_CONFLICT',
    });
  });

  it('takes no Secrets', async () => {
    const secret =
      'apiVersion: v1\nkind: Secret\nmetadata: { name: s, namespace: shop }\nstringData: { a: b }\n';
    await expect(apply(`${NAMESPACE}---\n${secret}`)).rejects.toMatchObject({
      code: 'ERR_FORBIDDEN',
    });
  });
});

describe('delete', () => {
  it('takes what is in a namespace along', async () => {
    await apply(`${NAMESPACE}---\n${ACCOUNT}`);
    const changes = await gate.delete({ kind: 'Namespace', name: 'shop' }, 'tester');
    expect(new Set(actions(changes))).toEqual(
      new Set(['default deleted', 'reviews deleted', 'shop deleted']),
    );
    expect((await store.list('ServiceAccount')).items).toEqual([]);
  });

  it('says when there is nothing of that name', async () => {
    const missing = gate.delete({ kind: 'ServiceAccount', namespace: 'shop', name: 'x' }, 'tester');
    await expect(missing).rejects.toThrow('ServiceAccount/shop/x does not exist');
  });
});
