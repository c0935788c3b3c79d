import { describe, expect, it } from 'vitest';
import { destinationRule, settings } from '../../../test/kit/policies.ts';
import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import { destinationRuleFor } from './destination-rule-lookup.ts';

const HOST = 'reviews.shop.svc.cluster.local';
const at = (second: number) => ({ creationTimestamp: `2026-01-01T00:00:0${second}Z` });

/** A rule for the Service `shop/reviews` in a namespace, by its whole name. */
function rule(
  place: string,
  spec: Partial<DestinationRule['spec']> = {},
  second = 0,
): DestinationRule {
  const [namespace = '', name = ''] = place.split('/');
  return destinationRule({ host: HOST, ...spec }, { namespace, name, ...at(second) });
}

/** The rules that hold for a client in `namespace`, as `namespace/name+name`. */
function found(
  rules: readonly DestinationRule[],
  namespace: string,
  options: { labels?: Record<string, string>; defaultExportTo?: readonly string[] } = {},
): string | undefined {
  const merged = destinationRuleFor(
    rules,
    {
      client: { namespace, labels: options.labels ?? {} },
      ...{ host: HOST, serviceNamespace: 'shop' },
    },
    { ...settings, defaultDestinationRuleExportTo: options.defaultExportTo ?? [] },
  );
  return merged && `${merged.namespace}/${merged.names.join('+')}`;
}

describe('where a rule is looked for', () => {
  const everywhere = [rule('bank/own'), rule('shop/service'), rule('istio-system/root')];

  it.each<[string, readonly DestinationRule[], string, string | undefined]>([
    ["the client's namespace first", everywhere, 'bank', 'bank/own'],
    ["then the service's", everywhere, 'pay', 'shop/service'],
    ['then the root namespace', everywhere.slice(2), 'pay', 'istio-system/root'],
    ['nowhere else', [rule('other/one')], 'pay', undefined],
    [
      'for a client of the root only its private rules first',
      everywhere,
      'istio-system',
      'shop/service',
    ],
    [
      'for a client of the root a private rule of it',
      [...everywhere, rule('istio-system/mine', { exportTo: ['.'] })],
      'istio-system',
      'istio-system/mine',
    ],
    [
      "past a rule of the client's namespace that is not for itself",
      [rule('bank/own', { exportTo: ['shop'] }), rule('shop/service')],
      'bank',
      'shop/service',
    ],
    [
      "past the service's rule that is not exported to the client",
      [rule('shop/service', { exportTo: ['.'] }), rule('istio-system/root')],
      'bank',
      'istio-system/root',
    ],
    [
      'to a rule that names the client among others',
      [rule('shop/service', { exportTo: ['bank', 'pay'] })],
      'bank',
      'shop/service',
    ],
    [
      'past the root rule that is private',
      [rule('istio-system/root', { exportTo: ['istio-system'] })],
      'bank',
      undefined,
    ],
    [
      'to the most specific host before it is asked whom it is for',
      [
        rule('shop/narrow', { exportTo: ['pay'] }),
        rule('shop/wide', { host: '*.shop.svc.cluster.local' }),
      ],
      'bank',
      undefined,
    ],
    [
      'to a less specific host when the other is private, which others cannot know of',
      [
        rule('shop/narrow', { exportTo: ['.'] }),
        rule('shop/wide', { host: '*.shop.svc.cluster.local' }),
      ],
      'bank',
      'shop/wide',
    ],
    [
      'by a short name, which is one of the namespace of the rule',
      [rule('bank/own', { host: 'reviews' }), rule('shop/service', { host: 'reviews' })],
      'bank',
      'shop/service',
    ],
    [
      'by a wildcard of another namespace too',
      [rule('bank/all', { host: '*' })],
      'bank',
      'bank/all',
    ],
  ])('%s', (_, rules, namespace, expected) => {
    expect(found(rules, namespace)).toBe(expected);
    expect(found(rules.toReversed(), namespace)).toBe(expected);
  });

  it('leaves rules that do not say to whom at home, if the mesh does', () => {
    const rules = [rule('shop/service')];
    expect(found(rules, 'bank', { defaultExportTo: ['.'] })).toBeUndefined();
    expect(found(rules, 'shop', { defaultExportTo: ['.'] })).toBe('shop/service');
  });
});

describe('several rules for one host', () => {
  it('are merged, the oldest first', () => {
    expect(
      found([rule('shop/b', {}, 2), rule('shop/a', {}, 3), rule('shop/c', {}, 1)], 'bank'),
    ).toBe('shop/c+b+a');
  });

  it('have the union of their subsets, the first definition of each name, and the oldest policy', () => {
    const subset = (name: string, version: string) => ({ name, labels: { version } });
    const merged = destinationRuleFor(
      [
        rule('shop/first', { subsets: [subset('v1', 'one'), subset('v1', 'again')] }, 1),
        rule('shop/second', { trafficPolicy: { tls: {} }, subsets: [subset('v1', 'other')] }, 2),
        rule(
          'shop/third',
          { trafficPolicy: { connectionPool: {} }, subsets: [subset('v2', 'two')] },
          3,
        ),
      ],
      { client: { namespace: 'bank', labels: {} }, host: HOST, serviceNamespace: 'shop' },
      settings,
    );
    expect(merged).toMatchObject({ policyOf: 'second', trafficPolicy: { tls: {} } });
    expect(
      [...(merged?.subsets ?? [])].map(
        ([
          name,
          {
            of,
            subset: { labels },
          },
        ]) => [name, of, labels],
      ),
    ).toEqual(
      expect.arrayContaining([
        ['v1', 'first', { version: 'one' }],
        ['v2', 'third', { version: 'two' }],
      ]),
    );
    expect(merged?.subsets.size).toBe(2);
  });

  it('are kept apart when they are exported to others, and the youngest counts', () => {
    const rules = [rule('shop/all', {}, 1), rule('shop/some', { exportTo: ['bank'] }, 2)];
    expect(found(rules, 'bank')).toBe('shop/some');
    expect(found(rules, 'pay')).toBe('shop/all');
  });
});

describe('a rule with a workloadSelector', () => {
  const workloadSelector = { matchLabels: { app: 'teller' } };
  const own = rule('bank/teller', { workloadSelector }, 5);
  const general = rule('bank/general', { trafficPolicy: { tls: {} } }, 1);

  it('is taken by the workloads that it selects, and inherits nothing', () => {
    const labels = { app: 'teller', version: 'v1' };
    expect(found([general, own], 'bank', { labels })).toBe('bank/teller');
    expect(found([general, own], 'bank', { labels: { app: 'other' } })).toBe('bank/general');
  });

  it('hides the rules of other namespaces even from those that it does not select', () => {
    expect(found([own, rule('shop/service')], 'bank')).toBeUndefined();
  });

  it('is private to its namespace, whatever it says', () => {
    const service = rule('shop/teller', { workloadSelector, exportTo: ['*'] });
    expect(found([service], 'bank', { labels: { app: 'teller' } })).toBeUndefined();
  });

  it('is merged with one of the same selector only', () => {
    const other = rule('bank/other', { workloadSelector: { matchLabels: { app: 'x' } } }, 6);
    const same = rule('bank/same', { workloadSelector }, 7);
    const labels = { app: 'teller' };
    expect(found([own, other, same], 'bank', { labels })).toBe('bank/teller+same');
  });
});
