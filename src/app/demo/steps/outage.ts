import { setTimeout as delay } from 'node:timers/promises';
import { underLoad } from '../constant-load.ts';
import { plainGet } from '../plain-get.ts';
import { serviceNames } from '../shop.ts';
import type { Stage } from '../stage.ts';
import type { Findings, Step } from '../step.ts';
import { until } from '../until.ts';

const ALONE_MS = 1_000;

/** Life without a control plane, and its return. */
export const outage: Step = {
  id: 'outage',
  title:
    'the control plane is killed: traffic goes on, a sidecar restarts, the control plane comes back',
  async run(stage, findings) {
    const options = { url: stage.frontPage, requestsPerSecond: 50 };
    const { requests, failures, slowestMs } = await underLoad(options, async (load) => {
      await killControlPlane(stage, findings);
      await restartSidecar(stage, findings);
      await delay(ALONE_MS);
      findings.note(`${load.requests} requests so far, ${load.failures} failed`);
      await bringBack(stage, findings);
      await nextPolicyChange(stage, findings);
    });
    findings.note(
      `${requests} requests, ${failures.length} failed, slowest ${Math.round(slowestMs)} ms`,
    );
    findings.check(
      'no request failed',
      requests > 0 && failures.length === 0,
      failures[0] ?? `${requests} requests`,
    );
  },
};

async function killControlPlane(stage: Stage, findings: Findings): Promise<void> {
  const victim = stage.controlPlane;
  victim?.kill('SIGKILL');
  await victim?.exited;
  findings.note(`control plane killed with SIGKILL (pid ${victim?.pid})`);
  await until('the sidecars notice', async () => {
    const statuses = await Promise.all(serviceNames.map((name) => stage.status(name)));
    return statuses.every(({ controlPlane }) => controlPlane.phase !== 'synced');
  });
}

async function restartSidecar(stage: Stage, findings: Findings): Promise<void> {
  const before = stage.sidecar('reviews');
  const after = await stage.startSidecar('reviews');
  const { facts, identity } = await stage.status('reviews');
  findings.note(
    `sidecar of reviews restarted: pid ${before.pid} -> ${after.pid}, serial ${identity.serial}, facts from ${facts.source.from}`,
  );
  findings.check(
    'the restarted sidecar serves from kept facts',
    facts.source.from === 'disk',
    facts.source.from,
  );
  const kept = facts.policies.join(', ');
  findings.check('it still knows the policies', kept.includes('shop/reviews-callers'), kept);
  const direct = await plainGet(stage.ports.services.frontend.outbound.reviews ?? 0, '/reviews');
  findings.check(
    'it still refuses frontend',
    direct.status === undefined,
    `${direct.status ?? 'refused'}`,
  );
  await before.exited;
  const { totals } = await until('it serves requests itself', async () => {
    const status = await stage.status('reviews');
    return status.totals.connectionOpened > 0 ? status : undefined;
  });
  findings.note(
    `the sidecar before it has drained and ended; the new one has taken ${totals.connectionOpened} connections`,
  );
}

async function bringBack(stage: Stage, findings: Findings): Promise<void> {
  await stage.startControlPlane();
  const startMs = performance.now();
  await until('the sidecars are back in sync', async () => {
    const statuses = await Promise.all(serviceNames.map((name) => stage.status(name)));
    return statuses.every(({ controlPlane }) => controlPlane.phase === 'synced');
  });
  const tookMs = Math.round(performance.now() - startMs);
  findings.note(
    `control plane back on its data directory; all sidecars in sync ${tookMs} ms later`,
  );
  const { facts } = await stage.status('reviews');
  findings.check(
    'the restarted sidecar has fresh facts',
    facts.source.from === 'control-plane',
    facts.source.from,
  );
}

async function nextPolicyChange(stage: Stage, findings: Findings): Promise<void> {
  const fromReviews = stage.ports.services.reviews.outbound.products ?? 0;
  const before = await plainGet(fromReviews, '/products');
  findings.check('reviews may call products before', before.status === 200, `${before.status}`);
  findings.note('$ hauberk apply -f examples/shop/policies/products-callers.yaml');
  await stage.apply('products-callers.yaml');
  const refused = await until(
    'the new policy is enforced',
    async () => (await plainGet(fromReviews, '/products')).status === undefined,
  );
  findings.check('the next policy change arrives', refused, 'reviews -> products is refused');
}
