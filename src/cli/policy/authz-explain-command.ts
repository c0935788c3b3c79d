import { Command } from 'commander';
import { operatorCall } from '../../apiclient/operator-call.ts';
import { MeshError } from '../../lib/errors.ts';
import { Checker } from '../../policy/questions/check-answer.ts';
import type { CheckQuestion } from '../../policy/questions/check-question.ts';
import { meshInventory } from '../../policy/questions/mesh-inventory.ts';
import type { WorkloadCall } from '../../policy/questions/recorded-call.ts';
import type { WorkloadDenial } from '../../policy/questions/recorded-denial.ts';
import { questionOf } from '../../policy/questions/replay.ts';
import { withClient } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { checkText } from './check-text.ts';
import { liveMesh } from './mesh-source.ts';
import { callText, recordedCalls } from './recorded-calls.ts';

/** What is remembered of a request: that it was refused, or the last of its kind. */
interface Remembered {
  readonly text: string;
  readonly decision: string;
  readonly allowed: boolean;
  readonly record: WorkloadCall | WorkloadDenial;
  readonly question: CheckQuestion;
}

/** Sidecars tell what happened every 5 s. */
const TOLD_WITHIN_MS = 7_000;
const AGAIN_MS = 500;

/** `hauberk authz explain REQUEST-ID`: what was decided about a request then, and what would be now. */
export function authzExplainCommand(): Command {
  const command = new Command('explain')
    .description('say why a request was refused or let through, and what would become of it now')
    .argument('<request-id>', 'x-request-id of the request, as the access log has it')
    .addOption(outputOption())
    .action(async (requestId: string, options: CommonOptions) => {
      const { record, decision, allowed, text, question } = await remembered(requestId, options);
      const { resources, founded } = await liveMesh(options);
      const checker = new Checker(meshInventory(resources, founded), { nowMs: Date.now() });
      const now = checker.answer(question);
      const shown = { ...('status' in record ? { denial: record } : { call: record }), now };
      print(options.output ?? 'text', shown, () => {
        const present = 'problem' in now ? now.problem : checkText(now);
        return `${text}\n${allowed ? 'let through' : 'refused'} then: ${decision}\nnow: ${present}`;
      });
    });
  return withExamples(
    withAccess(command),
    'hauberk authz explain 0b9f4d1e-6f0e-4c0e-9d58-1f5a3c0c7a11',
  );
}

/** Waits as long as it takes a sidecar to tell. @throws {MeshError} ERR_NOT_FOUND. */
async function remembered(requestId: string, options: CommonOptions): Promise<Remembered> {
  const until = performance.now() + TOLD_WITHIN_MS;
  for (;;) {
    const found = requestId === '' ? undefined : await find(requestId, options);
    if (found !== undefined) return found;
    if (requestId === '' || performance.now() > until) break;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  throw new MeshError(
    'ERR_NOT_FOUND',
    `no request with the id "${requestId.slice(0, 100)}" is remembered: of each workload the last 2000 that were refused are, and of those that were let through the last of each kind`,
  );
}

async function find(requestId: string, options: CommonOptions): Promise<Remembered | undefined> {
  const { denials } = await withClient(options, (client) =>
    operatorCall<{ readonly denials: readonly WorkloadDenial[] }>(client, {
      method: 'GET',
      path: '/v1/denials',
      query: { id: requestId },
    }),
  );
  const [denial] = denials;
  if (denial !== undefined) {
    const { decision } = denial;
    const text = denialText(denial);
    return { text, decision, allowed: false, record: denial, question: questionAbout(denial) };
  }
  const call = (await recordedCalls(options)).find((each) => each.requestId === requestId);
  if (call === undefined) return undefined;
  const { decision, allowed } = call;
  return { text: callText(call), decision, allowed, record: call, question: questionOf(call) };
}

/** `shop/frontend GET /api -> shop/products:8080 (Host products), 403 at 2026-01-01T00:00:00.000Z`. */
function denialText(denial: WorkloadDenial): string {
  const { principal, sourceIp, method, path, host, namespace, workload, port } = denial;
  const who = principal === '' ? `plaintext from ${sourceIp}` : `${principal} from ${sourceIp}`;
  const at = new Date(denial.atMs).toISOString();
  return `${who} -> ${namespace}/${workload}:${port} ${method} ${path} (Host ${host}), ${denial.status} at ${at}`;
}

function questionAbout(denial: WorkloadDenial): CheckQuestion {
  const { namespace, workload, principal, sourceIp, port, method, path, host } = denial;
  return {
    source: { principal: principal === '' ? undefined : principal, ip: sourceIp },
    destination: { namespace, workload, port, protocol: 'HTTP' },
    http: { method, path, host },
  };
}
