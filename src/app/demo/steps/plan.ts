import { plainGet } from '../plain-get.ts';
import type { Step } from '../step.ts';
import { until } from '../until.ts';

const POLICY = 'reviews-callers-typo.yaml';
const WOULD_BREAK = /cluster\.local\/ns\/shop\/sa\/products -> shop\/reviews\S*/;

/** A change is tried on the calls that the mesh has seen. */
export const plan: Step = {
  id: 'plan',
  title: 'a typing mistake in a policy is found before it is applied: products would be refused',
  async run(stage, findings) {
    await plainGet(stage.ports.services.frontend.app);
    const command = ['plan', '-f', stage.policy(POLICY)];
    await until('the sidecars have told of their calls', async () => {
      const { stdout } = await stage.ask(...command);
      return WOULD_BREAK.test(stdout);
    });
    const { code, stdout } = await stage.ask(...command);
    findings.note(`$ hauberk plan -f examples/shop/policies/${POLICY}`);
    for (const line of stdout.trimEnd().split('\n').slice(0, 6)) findings.note(line);
    findings.check('the plan ends with 1', code === 1, `${code}`);
    findings.check('it names who would be refused', WOULD_BREAK.test(stdout), stdout);
    const page = await plainGet(stage.ports.services.frontend.app);
    findings.check(
      'nothing was applied: the front page answers',
      page.status === 200,
      `${page.status}`,
    );
    const good = await stage.ask('plan', '-f', stage.policy('reviews-callers.yaml'));
    findings.check('without the mistake nobody is refused', good.code === 0, good.stdout.trim());
  },
};
