import { Command } from 'commander';
import { callAdmin } from '../app/admin-client.ts';
import { MeshError } from '../lib/errors.ts';
import {
  type CommonOptions,
  dataDirOf,
  dataDirOption,
  outputOption,
  withExamples,
} from './options.ts';
import { print } from './output.ts';

interface TokenOptions extends CommonOptions {
  readonly serviceAccount: string;
  readonly ttl: string;
}

interface TokenAnswer {
  readonly token: string;
  readonly id: string;
  readonly serviceAccount: string;
  readonly expiresAt: string;
}

/** `hauberk token create`: prints the token alone, so that it can go into a file. */
export function tokenCommand(): Command {
  const create = new Command('create')
    .description(
      'make an enrolment token: one sidecar may use it once to get its first certificate',
    )
    .requiredOption('--service-account <namespace/name>', 'the identity that the token gives')
    .option('--ttl <duration>', 'how long the token may wait to be used, up to 7d', '1h')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (options: TokenOptions) => {
      const { namespace, name } = parseServiceAccount(options.serviceAccount);
      const answer = await callAdmin<TokenAnswer>(dataDirOf(options), {
        method: 'POST',
        path: '/v1/tokens',
        body: { namespace, serviceAccount: name, lifetime: options.ttl },
      });
      print(options.output ?? 'text', answer, ({ token }) => token);
    });
  withExamples(create, 'hauberk token create --service-account shop/reviews > reviews.token');
  return new Command('token').description('enrolment tokens').addCommand(create);
}

function parseServiceAccount(text: string): { readonly namespace: string; readonly name: string } {
  const [namespace, name, ...rest] = text.split('/');
  if (namespace && name && rest.length === 0) return { namespace, name };
  throw new MeshError(
    'ERR_USAGE',
    `"${text}" is not a service account; write namespace/name, for example shop/reviews`,
  );
}
