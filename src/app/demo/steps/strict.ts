import type { DeniedConnection } from '../../../proxy/proxy-events.ts';
import { underLoad } from '../constant-load.ts';
import { plainGet } from '../plain-get.ts';
import type { Step } from '../step.ts';
import { until } from '../until.ts';

/** From PERMISSIVE to STRICT while requests flow. */
export const strict: Step = {
  id: 'strict',
  title: 'PERMISSIVE -> STRICT, live: plaintext is refused from then on, the mesh does not notice',
  async run(stage, findings) {
    const { inbound } = stage.ports.services.products;
    const before = await plainGet(inbound, '/products');
    findings.check(
      'a plaintext client is answered before',
      before.status === 200,
      `${before.status}`,
    );
    let refusedAfterMs = Number.POSITIVE_INFINITY;
    const load = { url: stage.frontPage, requestsPerSecond: 50 };
    const { requests, failures } = await underLoad(load, async () => {
      findings.note('$ hauberk apply -f examples/shop/policies/strict.yaml');
      await stage.apply('strict.yaml');
      const appliedMs = performance.now();
      await until(
        'plaintext is refused',
        async () => (await plainGet(inbound)).status === undefined,
      );
      refusedAfterMs = Math.round(performance.now() - appliedMs);
    });
    findings.note(
      `plaintext refused ${refusedAfterMs} ms after the command had returned; ${requests} mesh requests meanwhile, ${failures.length} failed`,
    );
    findings.check(
      'plaintext is refused within 1 s',
      refusedAfterMs <= 1_000,
      `${refusedAfterMs} ms`,
    );
    findings.check(
      'no mesh request failed',
      requests > 0 && failures.length === 0,
      failures[0] ?? `${requests} requests`,
    );
    const { recent } = await stage.status('products');
    const denied = recent.findLast(({ event }) => event === 'connectionDenied')?.record as
      | DeniedConnection
      | undefined;
    findings.note(`products: ${denied?.decision}`);
    findings.check(
      'the refusal names the policy',
      denied?.reason === 'plaintext' && denied.decision.includes('shop/default'),
      denied?.decision ?? 'no record',
    );
  },
};
