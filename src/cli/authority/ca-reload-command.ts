import { Command } from 'commander';
import { askPlane } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print } from '../output.ts';

interface ReloadAnswer {
  readonly changed: 'root' | 'intermediate' | 'revocation lists' | 'nothing';
}

/** `hauberk ca reload`. */
export function caReloadCommand(): Command {
  const command = new Command('reload')
    .description(
      'read the plug-in CA (--ca-dir of `hauberk up`) again, as SIGHUP does; a new one is rotated in',
    )
    .addOption(outputOption())
    .action(async (options: CommonOptions) => {
      const call = { method: 'POST', path: '/v1/ca/reload' } as const;
      const answer = await askPlane<ReloadAnswer>(options, call);
      print(options.output ?? 'text', answer, sentenceOf);
    });
  return withExamples(withAccess(command), 'hauberk ca reload');
}

function sentenceOf({ changed }: ReloadAnswer): string {
  switch (changed) {
    case 'nothing':
      return 'the plug-in CA has not changed';
    case 'revocation lists':
      return 'the plug-in CA has other revocation lists, which are on their way to the Envoys';
    case 'root':
    case 'intermediate':
      return `the plug-in CA has a new ${changed}, which is being rotated in; see \`hauberk ca status\``;
  }
}
