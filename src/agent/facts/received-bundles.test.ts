import { beforeEach, describe, expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { encodeFact } from '../../xds/fact.ts';
import type { Rejection } from '../../xds/resource-sink.ts';
import { bundleType, ReceivedBundles } from './received-bundles.ts';

const own = testAuthority();
const next = testAuthority();
const foreign = testAuthority({ trustDomain: 'elsewhere.example' });
let trusted: TrustBundle[];
let federated: (readonly TrustBundle[])[];
let bundles: ReceivedBundles;

beforeEach(() => {
  trusted = [];
  federated = [];
  bundles = new ReceivedBundles({
    trustDomain: own.trustDomain,
    trust: (bundle) => trusted.push(bundle),
    federate: (list) => federated.push(list),
  });
});

function receive(
  spec: { readonly trustDomain: string; readonly document: string },
  { name = spec.trustDomain, version = '1' } = {},
): readonly Rejection[] {
  const json = {
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'TrustBundle',
    metadata: { name },
    spec,
  };
  const { message } = encodeFact({ name, version, json });
  const { typeUrl = '', value = new Uint8Array() } = message.resource ?? {};
  const resources = [{ name, version, typeUrl, bytes: value }];
  return bundles.apply({ typeUrl: bundleType, resources, removed: [], complete: true });
}

const spec = (bundle: TrustBundle) => ({
  trustDomain: bundle.trustDomain.name,
  document: bundle.toJwks(),
});

describe('ReceivedBundles', () => {
  it('hands the own bundle on before it answers, once a version', () => {
    const both = TrustBundle.of(own.trustDomain, [own.root, next.root], { sequence: 4 });
    expect(receive(spec(both))).toEqual([]);
    expect(trusted.map(({ sequence }) => sequence)).toEqual([4]);
    expect(trusted[0]?.hasContentOf(both)).toBe(true);
    expect(bundles.versions(bundleType)).toEqual(new Map([['cluster.local', '1']]));
    receive(spec(foreign.bundle));
    expect(trusted).toHaveLength(1);
  });

  it.each([
    ['no authority', { trustDomain: 'cluster.local', document: '{"keys":[]}' }],
    ['belongs to', { trustDomain: 'cluster.local', document: foreign.bundle.toJwks() }],
    ['spec.document', { trustDomain: 'cluster.local', document: 'nothing' }],
  ])('rejects whole, and keeps what was, when it has %s', (reason, bad) => {
    receive(spec(own.bundle));
    expect(receive(bad, { version: '2' })).toMatchObject([
      { name: 'cluster.local', reason: expect.stringContaining(reason) },
    ]);
    expect(trusted).toHaveLength(1);
    expect(bundles.versions(bundleType)).toEqual(new Map([['cluster.local', '1']]));
  });

  it('rejects a second object for the own trust domain', () => {
    expect(receive(spec(own.bundle), { name: 'another' })).toHaveLength(1);
    expect(trusted).toEqual([]);
  });

  it('keeps trusting when the own bundle is taken away', () => {
    receive(spec(own.bundle));
    bundles.apply({
      ...{ typeUrl: bundleType, resources: [], removed: ['cluster.local'], complete: true },
    });
    expect(trusted).toHaveLength(1);
  });
});

describe('bundles of other trust domains', () => {
  const namesOf = (list: readonly TrustBundle[] | undefined): string[] =>
    (list ?? []).map(({ trustDomain }) => trustDomain.name);
  const remove = (name: string): readonly Rejection[] =>
    bundles.apply({ ...{ typeUrl: bundleType, resources: [], removed: [name], complete: true } });

  it('are handed on together, ordered by name, without the own one', () => {
    receive(spec(own.bundle));
    receive(spec(testAuthority({ trustDomain: 'z.example' }).bundle));
    receive(spec(foreign.bundle));
    expect(namesOf(federated.at(-1))).toEqual(['elsewhere.example', 'z.example']);
  });

  it('are trusted no more when they are taken away', () => {
    receive(spec(foreign.bundle));
    remove('elsewhere.example');
    expect(federated.map((list) => list.length)).toEqual([1, 0]);
  });

  it('may have no authority in them, which means that nobody of the domain is believed', () => {
    expect(receive({ trustDomain: 'elsewhere.example', document: '{"keys":[]}' })).toEqual([]);
    expect(federated.at(-1)).toMatchObject([{ x509Authorities: [] }]);
  });

  it('may not hold an authority of yet another trust domain', () => {
    receive(spec(foreign.bundle));
    const document = own.bundle.toJwks();
    const bad = { trustDomain: 'elsewhere.example', document };
    expect(receive(bad, { version: '2' })).toMatchObject([
      { reason: expect.stringContaining('belongs to') },
    ]);
    expect(federated).toHaveLength(1);
  });
});
