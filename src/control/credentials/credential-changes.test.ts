import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { destinationRule } from '../../../test/kit/policies.ts';
import type { Resource } from '../../resources/resource.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { CredentialChanges } from './credential-changes.ts';

const secret = (namespace: string, name: string): Resource =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name } }) as Resource;

describe('CredentialChanges', () => {
  let store: Store;
  let clock: ManualClock;
  let stop: AbortController;
  let failures: string[];
  beforeEach(() => {
    clock = new ManualClock();
    store = memoryStore({ clock });
    stop = new AbortController();
    failures = [];
  });
  afterEach(() => stop.abort());

  function started(of: Pick<Store, 'version' | 'watch'> = store): CredentialChanges {
    const events = { taskFailed: ({ reason }: { reason: string }) => void failures.push(reason) };
    const changes = new CredentialChanges({ store: of, clock, events });
    void changes.run(stop.signal);
    return changes;
  }

  /** Counts what is told of a namespace. */
  function counted(changes: CredentialChanges, namespace: string) {
    const told = { times: 0, stop: (): void => undefined };
    told.stop = changes.subscribe(namespace, () => {
      told.times += 1;
    });
    return told;
  }

  const put = (resource: Resource) => store.commit([{ op: 'put', resource }]);

  it('tells of Secrets, accounts and rules of the namespace, and of nothing else', async () => {
    const changes = started();
    const [shop, bank] = [counted(changes, 'shop'), counted(changes, 'bank')];
    await put(secret('shop', 'tls'));
    await eventually('the Secret', () => shop.times === 1);
    await put(destinationRule({}));
    await eventually('the rule', () => shop.times === 2);
    await put({ ...secret('shop', 'web'), kind: 'ServiceAccount' } as Resource);
    await eventually('the account', () => shop.times === 3);
    await put({ ...secret('shop', 'cm'), kind: 'ConfigMap' } as Resource);
    await put(secret('bank', 'tls'));
    await eventually('the Secret of the other', () => bank.times === 1);
    expect(shop.times).toBe(3);
  });

  it('tells all who listen, until each stops', async () => {
    const changes = started();
    const [one, other] = [counted(changes, 'shop'), counted(changes, 'shop')];
    await put(secret('shop', 'tls'));
    await eventually('both', () => one.times === 1 && other.times === 1);
    one.stop();
    await put(secret('shop', 'tls-2'));
    await eventually('the one that is left', () => other.times === 2);
    expect(one.times).toBe(1);
    other.stop();
    other.stop();
    const late = counted(changes, 'shop');
    other.stop();
    await put(secret('shop', 'tls-3'));
    await eventually('who came after all had gone', () => late.times === 1);
  });

  it('says why it cannot watch, and after a while tells everybody to look again', async () => {
    let broken = true;
    const changes = started({
      get version() {
        return store.version;
      },
      watch(options, signal) {
        if (broken) throw new Error('the disk is gone');
        return store.watch(options, signal);
      },
    });
    const [shop, bank] = [counted(changes, 'shop'), counted(changes, 'bank')];
    await eventually('the failure', () => failures.length === 1);
    expect(failures).toEqual(['the disk is gone']);
    broken = false;
    await clock.advance(4_999);
    expect(shop.times).toBe(0);
    await clock.advance(1);
    expect([shop.times, bank.times]).toEqual([1, 1]);
    await put(secret('shop', 'tls'));
    await eventually('what comes then', () => shop.times === 2);
  });
});
