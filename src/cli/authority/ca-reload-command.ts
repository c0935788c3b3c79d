import { Command } from 'commander';
import { askPlane } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print } from '../output.ts';

interface ReloadAnswer {
  readonly changed: 'root' | 'intermediate' | 'nothing';
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
      print(options.output ?? 'text', answer, ({ changed }) =>
        changed === 'nothing'
          ? 'the plug-in CA has not changed'
          : `the plug-in CA has a new ${changed}, which is being rotated in; see \`hauberk ca status\``,
      );
    });
  return withExamples(withAccess(command), 'hauberk ca reload');
}
