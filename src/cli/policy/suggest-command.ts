import { Command } from 'commander';
import { meshInventory } from '../../policy/questions/mesh-inventory.ts';
import { type Suggestion, suggestPolicies } from '../../policy/questions/suggest-policies.ts';
import { formatManifest } from '../../resources/format-manifest.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { liveMesh } from './mesh-source.ts';
import { recordedCalls } from './recorded-calls.ts';

interface SuggestOptions extends CommonOptions {
  readonly namespace?: string;
}

/** `hauberk suggest`: AuthorizationPolicies that let through what was seen and no more. */
export function suggestCommand(): Command {
  const command = new Command('suggest')
    .description('write AuthorizationPolicies that allow just the calls that the mesh has seen')
    .option('-n, --namespace <name>', 'for the workloads of this namespace only')
    .addOption(outputOption());
  withAccess(command).action(async (options: SuggestOptions) => {
    const [{ resources, founded }, calls] = await Promise.all([
      liveMesh(options),
      recordedCalls(options),
    ]);
    const { namespace } = options;
    const wanted = calls.filter((call) => namespace === undefined || call.namespace === namespace);
    const suggestions = suggestPolicies(wanted, meshInventory(resources, founded));
    print(options.output ?? 'text', suggestions, suggestionsText);
    if (suggestions.length === 0)
      process.stderr.write('No calls of callers with an identity were seen\n');
  });
  return withExamples(
    command,
    'hauberk suggest -n shop > policies.yaml && hauberk plan -f policies.yaml',
  );
}

/** Manifests, each behind what a person must know before it is applied. */
export function suggestionsText(suggestions: readonly Suggestion[]): string {
  return suggestions.map(suggestionText).join('---\n');
}

function suggestionText({ policy, kinds, calls, lastSeenMs, plaintext }: Suggestion): string {
  const last = new Date(lastSeenMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const notes = [
    `# From ${kinds} kinds of calls, ${calls} in all, the last at ${last}. Read it before you apply it:`,
    '# what was not seen would be refused, and what should not have been would be allowed.',
    ...(plaintext.length === 0
      ? []
      : [`# Callers without an identity would be refused: ${plaintext.join(', ')}`]),
  ];
  return `${notes.join('\n')}\n${formatManifest([policy])}`;
}
