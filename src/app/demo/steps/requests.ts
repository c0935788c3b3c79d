import { plainGet } from '../plain-get.ts';
import { sendRequest } from '../send-request.ts';
import type { Step } from '../step.ts';
import { until } from '../until.ts';

const POLICY = 'products-requests.yaml';

/** What may be asked, by method and path. */
export const requests: Step = {
  id: 'requests',
  title: 'frontend may only GET /api/products; other paths and methods are refused with 403',
  async run(stage, findings) {
    const port = stage.ports.services.frontend.outbound.products ?? 0;
    const before = await sendRequest({ port, path: '/admin' });
    findings.check('frontend may ask for /admin before', before.status === 200, `${before.status}`);
    findings.note(`$ hauberk apply -f examples/shop/policies/${POLICY}`);
    await stage.apply(POLICY);
    await until(
      '/admin is refused',
      async () => (await sendRequest({ port, path: '/admin' })).status === 403,
    );
    const cases = [
      ['GET', '/api/products', 200],
      ['GET', '/admin', 403],
      ['POST', '/api/products', 403],
      ['GET', '/api/products/../../admin', 403],
      ['GET', '/api/products/%2e%2e/%2e%2e/admin', 403],
    ] as const;
    for (const [method, path, status] of cases) {
      const answer = await sendRequest({ port, method, path });
      findings.check(
        `${method} ${path} is ${status}`,
        answer.status === status,
        `${answer.status}`,
      );
    }
    const denied = await sendRequest({ port, path: '/admin' });
    const named = /shop\/products-requests rule\[0\]/.test(denied.deniedBy ?? '');
    findings.note(`GET /admin: ${denied.status} ${denied.text.trim()}`);
    findings.note(`x-hauberk-denied-by: ${denied.deniedBy}`);
    findings.check('the refusal names policy and rule', named, denied.deniedBy ?? 'no header');
    const page = await plainGet(stage.ports.services.frontend.app);
    findings.check('the front page still answers', page.status === 200, `${page.status}`);
    await stage.hauberk('delete', '-f', stage.policy(POLICY));
    await until(
      '/admin is allowed again',
      async () => (await sendRequest({ port, path: '/admin' })).status === 200,
    );
  },
};
