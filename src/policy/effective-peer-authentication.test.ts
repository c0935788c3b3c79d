import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peerAuthentication } from '../../test/kit/policies.ts';
import type { PeerAuthentication } from '../resources/kinds/peer-authentication.ts';
import {
  type EffectiveMode,
  effectivePeerAuthentication,
} from './effective-peer-authentication.ts';

type Spec = PeerAuthentication['spec'];
type Mode = 'UNSET' | 'DISABLE' | 'PERMISSIVE' | 'STRICT';

const workload = { namespace: 'shop', labels: { app: 'reviews', version: 'v1' } };
const root = { rootNamespace: 'istio-system', defaultMtlsMode: 'PERMISSIVE' } as const;
const selector = { matchLabels: { app: 'reviews' } };

const mtls = (mode: Mode): Spec => ({ mtls: { mode } });
const mesh = (spec: Spec, name = 'mesh', second = 0): PeerAuthentication =>
  peerAuthentication(spec, { name, namespace: 'istio-system', creationTimestamp: at(second) });
const inShop = (spec: Spec, name = 'ns', second = 0): PeerAuthentication =>
  peerAuthentication(spec, { name, creationTimestamp: at(second) });
const inBank = (spec: Spec): PeerAuthentication => peerAuthentication(spec, { namespace: 'bank' });
const forReviews = (spec: Spec, name = 'wl', second = 0): PeerAuthentication =>
  inShop({ selector, ...spec }, name, second);
const ports = (port: string, mode: Mode): Spec => ({ portLevelMtls: { [port]: { mode } } });

function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();
}

/** `STRICT by namespace shop/ns`, or `PERMISSIVE by default`. */
function written({ mode, by }: EffectiveMode): string {
  return `${mode} by ${by === undefined ? 'default' : `${by.scope} ${by.namespace}/${by.name}`}`;
}

const STRICT = mtls('STRICT');
const UNSET = mtls('UNSET');
const DISABLE = mtls('DISABLE');

describe('effectivePeerAuthentication', () => {
  it.each<[string, readonly PeerAuthentication[], string]>([
    ['nothing is written', [], 'PERMISSIVE by default'],
    ['the mesh says so', [mesh(STRICT)], 'STRICT by mesh istio-system/mesh'],
    [
      'the mesh has an empty selector',
      [mesh({ ...STRICT, selector: {} })],
      'STRICT by mesh istio-system/mesh',
    ],
    ['the mesh is UNSET', [mesh(UNSET)], 'PERMISSIVE by default'],
    ['the mesh has no mtls', [mesh({})], 'PERMISSIVE by default'],
    ['the mesh has an empty mtls', [mesh({ mtls: {} })], 'PERMISSIVE by default'],
    ['another namespace is STRICT', [inBank(STRICT)], 'PERMISSIVE by default'],
    [
      'another namespace selects its labels',
      [inBank({ ...STRICT, selector })],
      'PERMISSIVE by default',
    ],
    ['a root policy has a selector', [mesh({ ...STRICT, selector })], 'PERMISSIVE by default'],
    [
      'the namespace is wider than the mesh',
      [mesh(STRICT), inShop(DISABLE)],
      'DISABLE by namespace shop/ns',
    ],
    ['the namespace is UNSET', [mesh(STRICT), inShop(UNSET)], 'STRICT by mesh istio-system/mesh'],
    ['the workload is UNSET', [inShop(STRICT), forReviews(UNSET)], 'STRICT by namespace shop/ns'],
    [
      'the workload has its own',
      [mesh(STRICT), inShop(STRICT), forReviews(DISABLE)],
      'DISABLE by workload shop/wl',
    ],
    [
      'a selector wants another value',
      [inShop({ ...STRICT, selector: { matchLabels: { app: 'x' } } })],
      'PERMISSIVE by default',
    ],
    [
      'a selector wants one label too many',
      [inShop({ ...STRICT, selector: { matchLabels: { app: 'reviews', tier: 'x' } } })],
      'PERMISSIVE by default',
    ],
    [
      'a selector wants an inherited property',
      [inShop({ ...STRICT, selector: { matchLabels: { toString: 'x' } } })],
      'PERMISSIVE by default',
    ],
    [
      'two namespace policies differ in age',
      [inShop(STRICT, 'a', 2), inShop(DISABLE, 'z', 1)],
      'DISABLE by namespace shop/z',
    ],
    [
      'two are of one second',
      [inShop(STRICT, 'b', 1.2), inShop(DISABLE, 'a', 1.9)],
      'DISABLE by namespace shop/a',
    ],
    [
      'two mesh policies differ in age',
      [mesh(DISABLE, 'z', 1), mesh(STRICT, 'a', 2)],
      'DISABLE by mesh istio-system/z',
    ],
    [
      'two workload policies differ in age',
      [forReviews(STRICT, 'a', 2), forReviews(DISABLE, 'z', 1)],
      'DISABLE by workload shop/z',
    ],
    [
      'two workload policies are of one second',
      [forReviews(STRICT, 'b', 1.2), forReviews(DISABLE, 'a', 1.9)],
      'DISABLE by workload shop/a',
    ],
    [
      'the oldest is UNSET',
      [inShop(UNSET, 'old', 1), inShop(STRICT, 'new', 2)],
      'PERMISSIVE by default',
    ],
    [
      'one was not created yet',
      [inShop(DISABLE, 'z', 1), peerAuthentication(STRICT, { name: 'a' })],
      'DISABLE by namespace shop/z',
    ],
  ])('says who decides when %s', (_, policies, expected) => {
    expect(written(effectivePeerAuthentication(policies, workload, 8080, root))).toBe(expected);
  });

  it.each<[string, readonly PeerAuthentication[], string, string]>([
    [
      'lists the port',
      [forReviews({ ...STRICT, ...ports('8080', 'DISABLE') })],
      'DISABLE by port shop/wl',
      'STRICT by workload shop/wl',
    ],
    [
      'leaves the port UNSET',
      [forReviews({ ...STRICT, ...ports('8080', 'UNSET') })],
      'STRICT by workload shop/wl',
      'STRICT by workload shop/wl',
    ],
    [
      'has a port without mode',
      [forReviews({ ...STRICT, portLevelMtls: { '8080': {} } })],
      'STRICT by workload shop/wl',
      'STRICT by workload shop/wl',
    ],
    [
      'is UNSET but for the port',
      [inShop(DISABLE), forReviews({ ...UNSET, ...ports('8080', 'STRICT') })],
      'STRICT by port shop/wl',
      'DISABLE by namespace shop/ns',
    ],
    [
      'has no mtls but for the port',
      [mesh(STRICT), forReviews(ports('8080', 'DISABLE'))],
      'DISABLE by port shop/wl',
      'STRICT by mesh istio-system/mesh',
    ],
    [
      'is of a namespace, where ports do not count',
      [inShop({ ...STRICT, ...ports('8080', 'DISABLE') })],
      'STRICT by namespace shop/ns',
      'STRICT by namespace shop/ns',
    ],
    [
      'is of the mesh, where ports do not count',
      [mesh({ ...STRICT, ...ports('8080', 'DISABLE') })],
      'STRICT by mesh istio-system/mesh',
      'STRICT by mesh istio-system/mesh',
    ],
    [
      'lost to an older one',
      [forReviews(STRICT, 'old', 1), forReviews(ports('8080', 'DISABLE'), 'new', 2)],
      'STRICT by workload shop/old',
      'STRICT by workload shop/old',
    ],
  ])('reads ports of the winning workload policy only: it %s', (_, policies, on8080, on9090) => {
    expect(written(effectivePeerAuthentication(policies, workload, 8080, root))).toBe(on8080);
    expect(written(effectivePeerAuthentication(policies, workload, 9090, root))).toBe(on9090);
  });

  it('gives a workload of the root namespace the mesh policy and no workload policy', () => {
    const inRoot = { ...workload, namespace: 'istio-system' };
    const policies = [mesh(STRICT), mesh({ ...DISABLE, selector }, 'selected')];
    expect(written(effectivePeerAuthentication(policies, inRoot, 8080, root))).toBe(
      'STRICT by mesh istio-system/mesh',
    );
  });

  it('does not depend on the order of the list', () => {
    const modes = fc.constantFrom<Mode>('UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT');
    const policy = fc
      .record({
        mode: modes,
        portMode: modes,
        namespace: fc.constantFrom('shop', 'istio-system', 'bank'),
        second: fc.constantFrom(0, 0.5, 1, 2),
        selected: fc.boolean(),
      })
      .map(({ mode, portMode, namespace, second, selected }) => ({
        spec: { ...mtls(mode), ...(selected ? { selector, ...ports('8080', portMode) } : {}) },
        metadata: { namespace, creationTimestamp: at(second) },
      }));
    const shuffled = fc
      .array(policy, { maxLength: 8 })
      .map((list) =>
        list.map(({ spec, metadata }, index) =>
          peerAuthentication(spec, { ...metadata, name: `p${index}` }),
        ),
      )
      .chain((list) =>
        fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
      );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(effectivePeerAuthentication(other, workload, 8080, root)).toEqual(
          effectivePeerAuthentication(list, workload, 8080, root),
        );
      }),
    );
  });
});
