import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { FederationGuard } from './federation-guard.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/web';
const foreign = (name: string, authorities = 1) => ({
  trustDomain: { name },
  x509Authorities: Array.from({ length: authorities }, () => ({})),
});

function guarded(...own: readonly string[]) {
  const base = testAuthority().identity(ID);
  const identity = new WatchableValue<Identity>(base);
  const names = own.length === 0 ? ['cluster.local'] : [...own];
  const guard = new FederationGuard(identity, () => [...names]);
  const told = { changes: 0 };
  guard.onChange(() => {
    told.changes += 1;
  });
  const federate = (...bundles: readonly ReturnType<typeof foreign>[]): void =>
    identity.set({
      ...identity.current,
      federated: bundles as unknown as Identity['federated'] & object,
    });
  const admit = (domain: string): Socket => {
    const socket = new Socket();
    socket.on('error', () => undefined);
    guard.admit(socket, `spiffe://${domain}/ns/a/sa/b`);
    return socket;
  };
  return { guard, names, identity, told, federate, admit };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('FederationGuard', () => {
  it('lets in who is of the mesh or of a domain with a bundle, and says why not others', () => {
    const { guard, federate, admit } = guarded('cluster.local', 'old.example');
    federate(foreign('there.example'));
    for (const domain of ['cluster.local', 'old.example', 'there.example']) admit(domain);
    expect(() => admit('bad.example')).toThrow(/"bad.example" is not federated with this mesh/);
    expect(guard.refusal(undefined)).toBeUndefined();
    expect(guard.refusal('spiffe://bad.example')).toMatch(/"bad.example"/);
  });

  it('cuts what is open when a domain goes, or has revoked all that it had', async () => {
    const { federate, admit, told, guard } = guarded();
    federate(foreign('a.example'), foreign('b.example'), foreign('c.example'));
    const before = told.changes;
    const open = ['cluster.local', 'a.example', 'b.example', 'c.example'].map(admit);
    federate(foreign('a.example'), foreign('b.example', 0));
    expect(told.changes).toBe(before + 1);
    await turn();
    expect(open.map(({ destroyed }) => destroyed)).toEqual([false, false, true, true]);
    expect(guard.refusal('spiffe://b.example/x')).toMatch(/has revoked all of its authorities/);
  });

  it('cuts what is open of an alias that is one no more, and looks at nothing while all are kept', async () => {
    const { guard, names, admit, told } = guarded('cluster.local', 'old.example', 'older.example');
    const [old, older] = [admit('old.example'), admit('older.example')];
    guard.recheck();
    names.push('new.example');
    guard.recheck();
    expect(told.changes).toBe(0);
    names.splice(1, 1);
    guard.recheck();
    expect(told.changes).toBe(1);
    await turn();
    expect([old.destroyed, older.destroyed]).toEqual([true, false]);
  });

  it('does not look when only the own certificate changes, and not once it is stopped', () => {
    const { guard, identity, told, federate } = guarded();
    identity.set({ ...identity.current, issuedAtMs: 1 });
    expect(told.changes).toBe(0);
    guard.stop();
    federate(foreign('a.example'));
    expect(told.changes).toBe(0);
  });
});
