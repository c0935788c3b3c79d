import { describe, expect, it } from 'vitest';
import type { WorkloadRegistration } from '../resources/kinds/workload-registration.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { matchesRegistration, mayServe, needsHash } from './match-registration.ts';

const HASH = 'ab'.repeat(32);
const process = {
  ...{ uid: 1000, gid: 1001, path: '/usr/bin/shop', sha256: HASH },
  cgroup: '/system.slice/shop.service',
};

function registration(
  selectors: readonly string[],
  agents: WorkloadRegistration['spec']['agents'] = [{ serviceAccount: 'node' }],
): WorkloadRegistration {
  return {
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'WorkloadRegistration',
    metadata: { name: 'shop', namespace: 'shop' },
    spec: { serviceAccount: 'shop', selectors: [...selectors], agents },
  };
}

describe('a process', () => {
  it.each([
    [['unix:uid:1000']],
    [['unix:gid:1001']],
    [['unix:path:/usr/bin/shop']],
    [[`unix:sha256:${HASH}`]],
    [['unix:cgroup:/system.slice/shop.service']],
    [['unix:cgroup:/system.slice/*']],
    [['unix:uid:1000', 'unix:path:/usr/bin/shop', 'unix:cgroup:/*']],
  ])('is described by %j', (selectors) => {
    expect(matchesRegistration(registration(selectors), process)).toBe(true);
  });

  it.each([
    [['unix:uid:1001']],
    [['unix:uid:1000', 'unix:gid:1000']],
    [['unix:path:/usr/bin/shop2']],
    [['unix:path:/usr/bin']],
    [['unix:cgroup:/system.slice']],
    [['unix:cgroup:/system.slice/shop.service/*']],
    [['unix:cgroup:/system.slice/sho/*']],
    [['docker:label:a']],
    [['unix:uid:1000', 'unix:user:root']],
    [[]],
  ])('is not described by %j', (selectors) => {
    expect(matchesRegistration(registration(selectors), process)).toBe(false);
  });

  it.each(['path', 'sha256', 'cgroup'] as const)(
    'is not described by a %s nobody knows',
    (fact) => {
      const selectors = [`unix:${fact}:${process[fact]}`];
      const unknown = { ...process, [fact]: undefined };
      expect(matchesRegistration(registration(selectors), process)).toBe(true);
      expect(matchesRegistration(registration(selectors), unknown)).toBe(false);
    },
  );
});

describe('an agent', () => {
  const elsewhere = [{ serviceAccount: 'node', namespace: 'infra' }];
  it.each([
    ['spiffe://cluster.local/ns/shop/sa/node', undefined, true],
    ['spiffe://cluster.local/ns/infra/sa/node', undefined, false],
    ['spiffe://cluster.local/ns/shop/sa/other', undefined, false],
    ['spiffe://cluster.local/ns/infra/sa/node', elsewhere, true],
    ['spiffe://cluster.local/ns/shop/sa/node', elsewhere, false],
    ['spiffe://cluster.local/workload', undefined, false],
  ])('%s may serve those that name %j: %s', (id, agents, expected) => {
    const named = registration(['unix:uid:1'], agents);
    expect(mayServe(named, SpiffeId.parse(id))).toBe(expected);
  });
});

describe('the hash of an executable', () => {
  const hash = `unix:sha256:${HASH}`;
  it.each([
    [[hash], true],
    [['unix:uid:1000', hash], true],
    [['unix:uid:1001', hash], false],
    [['unix:path:/usr/bin/other', hash], false],
    [['unix:uid:1000'], false],
    [['unix:path:/unix:sha256:'], false],
  ])('is needed for %j: %s', (selectors, expected) => {
    const unhashed = { ...process, sha256: undefined };
    expect(needsHash(registration(selectors), unhashed)).toBe(expected);
  });
});
