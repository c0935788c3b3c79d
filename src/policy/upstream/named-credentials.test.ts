import { expect, it } from 'vitest';
import { destinationRule, reviews } from '../../../test/kit/policies.ts';
import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import { namedCredentials } from './named-credentials.ts';

const workloadSelector = { matchLabels: { app: 'reviews' } };

function rule(spec: Partial<DestinationRule['spec']>, namespace = 'shop'): DestinationRule {
  return destinationRule({ host: 'api.example', workloadSelector, ...spec }, { namespace });
}

function names(...rules: readonly DestinationRule[]): readonly (readonly [string, boolean])[] {
  return namedCredentials(rules, reviews).map(({ name, isShown }) => [name, isShown] as const);
}

const mutual = { trafficPolicy: { tls: { mode: 'MUTUAL', credentialName: 'c' } } } as const;

it('finds what a rule for this workload names, at every level', () => {
  const tls = (credentialName: string) => ({ mode: 'MUTUAL', credentialName }) as const;
  const levels = rule({
    trafficPolicy: {
      tls: tls('top'),
      portLevelSettings: [{ port: { number: 443 }, tls: tls('port') }],
    },
    subsets: [
      {
        name: 'v1',
        trafficPolicy: { tls: tls('subset'), portLevelSettings: [{ tls: tls('subset-port') }] },
      },
    ],
  });
  expect(names(levels)).toEqual([
    ['port', true],
    ['subset', true],
    ['subset-port', true],
    ['top', true],
  ]);
});

it('needs the key only where a rule has the certificate shown', () => {
  const simple = rule({ trafficPolicy: { tls: { mode: 'SIMPLE', credentialName: 'c' } } });
  expect(names(simple)).toEqual([['c', false]]);
  expect(names(simple, rule(mutual))).toEqual([['c', true]]);
  expect(names(rule(mutual), simple)).toEqual([['c', true]]);
});

it.each<[string, DestinationRule]>([
  ['of another namespace', rule(mutual, 'bank')],
  ['of the root namespace', rule(mutual, 'istio-system')],
  ['without a workloadSelector', destinationRule({ host: 'api.example', ...mutual })],
  ['for other workloads', rule({ ...mutual, workloadSelector: { matchLabels: { app: 'web' } } })],
  [
    'with a mode that has no use for it',
    rule({ trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', credentialName: 'c' } } }),
  ],
  [
    'that names a ConfigMap',
    rule({ trafficPolicy: { tls: { mode: 'SIMPLE', credentialName: 'configmap://shop/c' } } }),
  ],
])('gives nothing for a rule %s', (_, other) => {
  expect(names(other)).toEqual([]);
});
