import { Command } from 'commander';
import { MeshError } from '../../lib/errors.ts';
import { meshInventory } from '../../policy/questions/mesh-inventory.ts';
import {
  changedResources,
  type Replay,
  type ReplayedCall,
  replay,
} from '../../policy/questions/replay.ts';
import { type CommonOptions, outputOption, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { liveMesh, type MeshSourceOptions, withMeshSource } from './mesh-source.ts';
import { policyResources } from './policy-files.ts';
import { callText, recordedCalls } from './recorded-calls.ts';

interface PlanOptions extends CommonOptions, MeshSourceOptions {}

/** `hauberk plan -f new.yaml`: what a change would do to the calls that the mesh has seen. */
export function planCommand(): Command {
  const command = new Command('plan')
    .description('say which of the calls that the mesh has seen a change of policies would refuse')
    .addOption(outputOption());
  withMeshSource(command).action(async (options: PlanOptions) => {
    const { filename = [], namespace = 'default' } = options;
    if (filename.length === 0) throw new MeshError('ERR_USAGE', 'name the change with -f');
    const changed = policyResources(filename, namespace);
    const [{ resources, founded }, calls] = await Promise.all([
      liveMesh(options),
      recordedCalls(options),
    ]);
    const before = meshInventory(resources, founded);
    const after = meshInventory(changedResources(resources, changed), founded);
    const result = replay(calls, { before, after }, Date.now());
    print(options.output ?? 'text', result, planText);
    if (result.refused.length > 0) process.exitCode = 1;
  });
  return withExamples(command, 'hauberk plan -f new-policies.yaml');
}

/** A plan for people. */
export function planText({ refused, allowed, unclear, calls, unknown }: Replay): string {
  if (calls === 0)
    return 'the mesh has seen no calls yet, so there is nothing to try the change on';
  const kinds = `${calls} kinds of calls that the mesh has seen`;
  return [
    refused.length === 0
      ? `nobody would be refused: the change was tried on ${kinds}`
      : `${refused.length} of ${kinds} would be refused:`,
    ...refused.flatMap(linesOf),
    ...(allowed.length === 0
      ? []
      : [`${allowed.length} would be let through that are refused now:`]),
    ...allowed.flatMap(linesOf),
    ...(unclear.length === 0
      ? []
      : [
          `${unclear.length} cannot be told, because only their connections were seen and the change looks at requests:`,
        ]),
    ...unclear.flatMap(linesOf),
    ...(unknown === 0 ? [] : [`${unknown} were to workloads that are not there any more`]),
  ].join('\n');
}

function linesOf({ call, after }: ReplayedCall): readonly string[] {
  return [`  ${callText(call)}`, `    ${after.reason}`];
}
