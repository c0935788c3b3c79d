import { Command } from 'commander';
import { callAdmin } from '../app/admin-client.ts';
import { type ChangeLine, changeLines } from './change-lines.ts';
import {
  type CommonOptions,
  dataDirOf,
  dataDirOption,
  outputOption,
  withExamples,
} from './options.ts';
import { print } from './output.ts';

interface DeleteOptions extends CommonOptions {
  readonly namespace: string;
}

/** `hauberk delete KIND NAME`. */
export function deleteCommand(): Command {
  const command = new Command('delete')
    .description('delete one resource; a namespace takes what is in it along')
    .argument('<kind>', 'kind, plural or short name')
    .argument('<name>', 'name of the resource')
    .option('-n, --namespace <name>', 'namespace of the resource', 'default')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (kind: string, name: string, options: DeleteOptions) => {
      const query = { kind, name, namespace: options.namespace };
      const answer = await callAdmin<{ changes: ChangeLine[] }>(dataDirOf(options), {
        method: 'DELETE',
        path: '/v1/resources',
        query,
      });
      print(options.output ?? 'text', answer, ({ changes }) => changeLines(changes));
    });
  return withExamples(command, 'hauberk delete authorizationpolicy reviews-callers -n shop');
}
