import type { DeniedConnection } from '../../../proxy/proxy-events.ts';
import { plainGet } from '../plain-get.ts';
import type { ServiceName } from '../shop.ts';
import type { Stage } from '../stage.ts';
import type { Step } from '../step.ts';
import { until } from '../until.ts';

/** Who may call whom, by identity. */
export const authorization: Step = {
  id: 'authorization',
  title: 'reviews accepts products only; the refusal of frontend names policy and rule',
  async run(stage, findings) {
    const direct = stage.ports.services.frontend.outbound.reviews ?? 0;
    const before = await plainGet(direct, '/reviews');
    findings.check('frontend may call reviews before', before.status === 200, `${before.status}`);
    findings.note('$ hauberk apply -f examples/shop/policies/reviews-callers.yaml');
    await stage.apply('reviews-callers.yaml');
    await until(
      'frontend is refused',
      async () => (await plainGet(direct, '/reviews')).status === undefined,
    );
    const atReviews = await lastDenial(stage, 'reviews', 'authorization');
    const atFrontend = await lastDenial(stage, 'frontend', 'refused-by-peer');
    findings.note(`reviews:  ${atReviews?.peerId} refused: ${atReviews?.decision}`);
    findings.note(`frontend: ${atFrontend?.decision}`);
    for (const [who, denied] of [
      ['reviews', atReviews],
      ['frontend', atFrontend],
    ] as const) {
      const named = /shop\/reviews-callers.*rule\[0\]/.test(denied?.decision ?? '');
      findings.check(`${who} names policy and rule`, named, denied?.decision ?? 'no record');
    }
    findings.check(
      'reviews knows who was refused',
      atReviews?.peerId === 'spiffe://cluster.local/ns/shop/sa/frontend',
      atReviews?.peerId ?? 'no record',
    );
    const through = await plainGet(stage.ports.services.frontend.app);
    findings.check(
      'products may still call reviews',
      through.status === 200,
      `${through.status} ${through.text.trim()}`,
    );
  },
};

async function lastDenial(
  stage: Stage,
  name: ServiceName,
  reason: DeniedConnection['reason'],
): Promise<DeniedConnection | undefined> {
  const { recent } = await stage.status(name);
  return recent
    .filter(({ event }) => event === 'connectionDenied')
    .map(({ record }) => record as DeniedConnection)
    .findLast((record) => record.reason === reason);
}
