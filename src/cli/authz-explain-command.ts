import { Command } from 'commander';
import { MeshError } from '../lib/errors.ts';
import { Checker } from '../policy/check-answer.ts';
import { meshInventory } from '../policy/mesh-inventory.ts';
import { questionOf } from '../policy/replay.ts';
import { checkText } from './check-text.ts';
import { liveMesh } from './mesh-source.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from './options.ts';
import { print } from './output.ts';
import { callText, recordedCalls } from './recorded-calls.ts';

/** `hauberk authz explain REQUEST-ID`: what was decided about a request then, and what would be now. */
export function authzExplainCommand(): Command {
  const command = new Command('explain')
    .description('say why a request was refused or let through, and what would become of it now')
    .argument('<request-id>', 'x-request-id of the request, as the access log has it')
    .addOption(outputOption())
    .action(async (requestId: string, options: CommonOptions) => {
      const [{ resources, founded }, calls] = await Promise.all([
        liveMesh(options),
        recordedCalls(options),
      ]);
      const call =
        requestId === '' ? undefined : calls.find((each) => each.requestId === requestId);
      if (call === undefined) {
        throw new MeshError(
          'ERR_NOT_FOUND',
          `no request with the id "${requestId.slice(0, 100)}" is remembered: of each kind of request only the last is, and it may take 5 s to be told`,
        );
      }
      const checker = new Checker(meshInventory(resources, founded), { nowMs: Date.now() });
      const now = checker.answer(questionOf(call));
      print(options.output ?? 'text', { call, now }, () => {
        const then = `${call.allowed ? 'let through' : 'refused'} then: ${call.decision}`;
        const present = 'problem' in now ? now.problem : checkText(now);
        return `${callText(call)}\n${then}\nnow: ${present}`;
      });
    });
  return withExamples(
    withAccess(command),
    'hauberk authz explain 0b9f4d1e-6f0e-4c0e-9d58-1f5a3c0c7a11',
  );
}
