import { describe, expect, it } from 'vitest';
import { destinationRule, settings } from '../../../test/kit/policies.ts';
import type { TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';
import { destinationRuleFor } from './destination-rule-lookup.ts';
import { effectiveTrafficPolicy } from './traffic-policy.ts';

const disable = { tls: { mode: 'DISABLE' } } as const;
const simple = { tls: { mode: 'SIMPLE' } } as const;
const mutual = { tls: { mode: 'ISTIO_MUTUAL' } } as const;
const pool = { connectionPool: { tcp: { maxConnections: 1 } } };
const port = (settings: object) => ({ portLevelSettings: [{ port: { number: 80 }, ...settings }] });

/** What holds of port 80 and the subset `v1`, as `mode of tls at level, whether there is a pool`. */
function effective(
  top: TrafficPolicy | undefined,
  subset?: TrafficPolicy | 'none',
  wanted = 80,
): string {
  const rule = destinationRuleFor(
    [
      destinationRule({
        ...(top === undefined ? {} : { trafficPolicy: top }),
        subsets: [{ name: 'v1', ...(subset === 'none' ? {} : { trafficPolicy: subset ?? {} }) }],
      }),
    ],
    {
      client: { namespace: 'shop', labels: {} },
      ...{ host: 'reviews.shop.svc.cluster.local', serviceNamespace: 'shop' },
    },
    settings,
  );
  if (rule === undefined) throw new Error('the rule was not found');
  const { tls, connectionPool } = effectiveTrafficPolicy(
    rule,
    wanted,
    subset === undefined ? undefined : 'v1',
  );
  const text = tls === undefined ? 'auto' : `${tls.value.mode} at ${tls.level}`;
  return connectionPool === undefined ? text : `${text}, pool at ${connectionPool.level}`;
}

describe('what a rule says of a port', () => {
  it.each<[string, TrafficPolicy | undefined, string]>([
    ['nothing', undefined, 'auto'],
    ['the top', disable, 'DISABLE at top'],
    ['the entry of the port', { ...disable, ...port(simple) }, 'SIMPLE at port'],
    // an entry replaces, it does not inherit: tls is unset, so auto mTLS
    ['the entry, what it leaves out included', { ...disable, ...port(pool) }, 'auto, pool at port'],
    ['the entry, the pool of the top forgotten', { ...pool, ...port(simple) }, 'SIMPLE at port'],
  ])('comes from %s', (_, top, expected) => {
    expect(effective(top)).toBe(expected);
  });

  it('is the top again for another port', () => {
    expect(effective({ ...disable, ...port(simple) }, undefined, 81)).toBe('DISABLE at top');
  });
});

describe('what a rule says of a subset', () => {
  it.each<[string, TrafficPolicy | undefined, TrafficPolicy | 'none', string]>([
    ['nothing of its own is the top', disable, 'none', 'DISABLE at top'],
    ['its own tls beats the top', disable, mutual, 'ISTIO_MUTUAL at subset'],
    [
      'its own tls beats the top of the port',
      { ...disable, ...port(simple) },
      mutual,
      'ISTIO_MUTUAL at subset',
    ],
    [
      'a field that it leaves out is inherited',
      { ...disable, ...pool },
      mutual,
      'ISTIO_MUTUAL at subset, pool at top',
    ],
    [
      'without tls it inherits that of the port',
      port(simple),
      pool,
      'SIMPLE at port, pool at subset',
    ],
    [
      'its entry for the port beats all',
      disable,
      { ...mutual, ...port(simple) },
      'SIMPLE at subset-port',
    ],
    [
      'its entry replaces, what it leaves out included',
      disable,
      { ...mutual, ...port(pool) },
      'auto, pool at subset-port',
    ],
  ])('%s', (_, top, subset, expected) => {
    expect(effective(top, subset)).toBe(expected);
  });
});
