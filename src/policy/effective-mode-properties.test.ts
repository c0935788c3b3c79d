import fc from 'fast-check';
import { expect, it } from 'vitest';
import { naiveMode, naiveNamespaceMode } from '../../test/kit/naive-modes.ts';
import { peerAuthentication } from '../../test/kit/policies.ts';
import { effectivePeerAuthentication, namespaceMode } from './effective-peer-authentication.ts';

const ROOT = 'istio-system';
const settings = { rootNamespace: ROOT, defaultMtlsMode: 'PERMISSIVE' } as const;

const namespace = fc.constantFrom('shop', 'shop', ROOT, 'bank');
const mode = fc.constantFrom('UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT');
const labels = fc.record(
  { app: fc.constantFrom('reviews', 'web'), version: fc.constantFrom('v1', 'v2') },
  { requiredKeys: [] },
);
const mtls = fc.record({ mode }, { requiredKeys: [] });
const spec = fc.record(
  {
    mtls,
    selector: fc.record({ matchLabels: labels }, { requiredKeys: [] }),
    portLevelMtls: fc.dictionary(fc.constantFrom('80', '8080'), mtls, { maxKeys: 2 }),
  },
  { requiredKeys: [] },
);
const policy = fc.record({
  spec,
  namespace,
  name: fc.constantFrom('a', 'b', 'c'),
  atMs: fc.constantFrom(0, 400, 1_000, 1_900, 2_000),
});
const policies = fc
  .uniqueArray(policy, {
    maxLength: 9,
    selector: (each) => `${each.namespace}/${each.name}`,
  })
  .map((all) =>
    all.map(({ atMs, ...each }) =>
      peerAuthentication(each.spec, {
        ...{ name: each.name, namespace: each.namespace },
        creationTimestamp: new Date(Date.UTC(2026, 0, 1) + atMs).toISOString(),
      }),
    ),
  );

it('is what a naive reading of the semantics says, for any policies', () => {
  fc.assert(
    fc.property(policies, namespace, labels, fc.constantFrom(80, 8080, 9090), (...asked) => {
      const [all, where, worn, port] = asked;
      const workload = { namespace: where, labels: worn as Record<string, string> };
      expect(effectivePeerAuthentication(all, workload, port, settings).mode).toBe(
        naiveMode(all, workload, port, ROOT),
      );
      expect(namespaceMode(all, where, settings).mode).toBe(naiveNamespaceMode(all, where, ROOT));
    }),
    { numRuns: 2_000 },
  );
});
