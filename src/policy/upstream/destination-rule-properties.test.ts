import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type NaiveQuestion,
  naiveGroup,
  naiveTraffic,
} from '../../../test/kit/naive-destination-rules.ts';
import { destinationRule, settings } from '../../../test/kit/policies.ts';
import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import type { TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';
import { destinationRuleFor } from './destination-rule-lookup.ts';
import { effectiveTrafficPolicy } from './traffic-policy.ts';

const HOST = 'reviews.shop.svc.cluster.local';
const ROOT = 'istio-system';

const namespace = fc.constantFrom('shop', 'bank', ROOT);
const labels = fc.record(
  { app: fc.constantFrom('web', 'api'), version: fc.constantFrom('v1', 'v2') },
  { requiredKeys: [] },
);
function mostly<T, U>(usual: T, seldom: fc.Arbitrary<U>): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: seldom });
}
/** Values that can be told apart by where they were written. */
const mark = fc.nat({ max: 999 });
const four = {
  tls: mark.map((each) => ({ mode: 'SIMPLE' as const, sni: `s${each}` })),
  loadBalancer: mark.map((warmupDurationSecs) => ({
    warmupDurationSecs: `${warmupDurationSecs}s`,
  })),
  connectionPool: mark.map((maxConnections) => ({ tcp: { maxConnections } })),
  outlierDetection: mark.map((consecutive5xxErrors) => ({ consecutive5xxErrors })),
};
const policy: fc.Arbitrary<object> = fc.record(
  {
    ...four,
    portLevelSettings: fc.array(
      fc.record(
        { port: fc.record({ number: fc.constantFrom(80, 443) }), ...four },
        { requiredKeys: ['port'] },
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
const subset = fc.record(
  { name: fc.constantFrom('one', 'two'), trafficPolicy: policy },
  { requiredKeys: ['name'] },
);
const spec = fc.record(
  {
    // most mean the service, so that rules meet
    host: fc.oneof(
      { weight: 3, arbitrary: fc.constant(HOST) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          ...['reviews', '*', '*.shop.svc.cluster.local', '*.cluster.local'],
          ...['reviews.shop', '*views', 'ratings'],
        ),
      },
    ),
    trafficPolicy: fc.option(policy, { nil: undefined }),
    subsets: fc.array(subset, { maxLength: 2 }),
    exportTo: mostly(
      undefined,
      fc.uniqueArray(fc.constantFrom('.', '*', 'shop', 'bank', ROOT), { maxLength: 2 }),
    ),
    workloadSelector: mostly(undefined, fc.record({ matchLabels: labels }, { requiredKeys: [] })),
  },
  { requiredKeys: ['host'] },
);
const rules = fc
  .uniqueArray(
    fc.record({
      ...{ spec, namespace, name: fc.constantFrom('a', 'b', 'c', 'd', 'e') },
      atMs: fc.constantFrom(0, 400, 1_000, 1_900, 2_000),
    }),
    { minLength: 2, maxLength: 12, selector: (each) => `${each.namespace}/${each.name}` },
  )
  .map((all) =>
    all.map(({ atMs, ...each }) =>
      destinationRule(each.spec as DestinationRule['spec'], {
        ...{ name: each.name, namespace: each.namespace },
        creationTimestamp: new Date(Date.UTC(2026, 0, 1) + atMs).toISOString(),
      }),
    ),
  );

const question = fc.record({
  client: fc.record({ namespace, labels }),
  defaultExportTo: fc.constantFrom<readonly string[]>([], [], ['*'], ['.']),
});

const port = fc.constantFrom(80, 443, 9090);
const asked = fc.constantFrom(undefined, 'one', 'two', 'none');

it('is what a naive reading of the semantics says, for any rules, clients, ports and subsets', () => {
  fc.assert(
    fc.property(rules, question, port, asked, (all, { client, defaultExportTo }, number, name) => {
      const where = { client, host: HOST, serviceNamespace: 'shop' } as const;
      const naive = { ...where, root: ROOT, defaultExportTo } as NaiveQuestion;
      const found = destinationRuleFor(all, where as Parameters<typeof destinationRuleFor>[1], {
        ...{ ...settings, rootNamespace: ROOT },
        defaultDestinationRuleExportTo: defaultExportTo,
      });
      const group = naiveGroup(all, naive);
      expect(found && [found.namespace, ...found.names]).toEqual(
        group && [group[0]?.metadata.namespace, ...group.map(({ metadata }) => metadata.name)],
      );
      const traffic = found && effectiveTrafficPolicy(found, number, name);
      expect(traffic && valuesOf(traffic)).toEqual(naiveTraffic(all, naive, number, name));
    }),
    { numRuns: 3_000 },
  );
});

type Traffic = ReturnType<typeof effectiveTrafficPolicy>;

/** What is set, without where it was written. */
function valuesOf(traffic: Traffic): Partial<TrafficPolicy> {
  const set = Object.entries(traffic).filter(([, each]) => each !== undefined);
  return Object.fromEntries(set.map(([name, each]) => [name, each?.value]));
}
