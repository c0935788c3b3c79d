import { Command } from 'commander';
import { callAdmin } from '../app/admin-client.ts';
import {
  type CommonOptions,
  dataDirOf,
  dataDirOption,
  outputOption,
  withExamples,
} from './options.ts';
import { print } from './output.ts';

interface ReloadAnswer {
  readonly changed: 'root' | 'intermediate' | 'nothing';
}

/** `hauberk ca reload`. */
export function caReloadCommand(): Command {
  const command = new Command('reload')
    .description(
      'read the plug-in CA (--ca-dir of `hauberk up`) again, as SIGHUP does; a new one is rotated in',
    )
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (options: CommonOptions) => {
      const call = { method: 'POST', path: '/v1/ca/reload' } as const;
      const answer = await callAdmin<ReloadAnswer>(dataDirOf(options), call);
      print(options.output ?? 'text', answer, ({ changed }) =>
        changed === 'nothing'
          ? 'the plug-in CA has not changed'
          : `the plug-in CA has a new ${changed}, which is being rotated in; see \`hauberk ca status\``,
      );
    });
  return withExamples(command, 'hauberk ca reload');
}
