import { Command, Option } from 'commander';
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
  readonly type: 'enrolment' | 'jwt';
  readonly audience: readonly string[];
  readonly ttl: string;
}

interface TokenAnswer {
  readonly token: string;
  readonly id: string;
  readonly serviceAccount: string;
  readonly expiresAt: string;
}

/** `hauberk token`: tokens that prove an identity, and the keys that sign them. */
export function tokenCommand(): Command {
  return new Command('token')
    .description('tokens that prove an identity')
    .addCommand(createCommand())
    .addCommand(replaceKeysCommand());
}

/** Prints the token alone, so that it can go into a file. */
function createCommand(): Command {
  const create = new Command('create')
    .description(
      'make a token: one sidecar may use an enrolment token once to get its first certificate; a jwt is a token of a service account as Kubernetes makes them, for whoever has it until it expires',
    )
    .requiredOption('--service-account <namespace/name>', 'the identity that the token gives')
    .addOption(
      new Option('--type <type>', 'what to make')
        .choices(['enrolment', 'jwt'])
        .default('enrolment'),
    )
    .option(
      '--audience <name>',
      'who may accept a jwt; may be repeated (default: istio-ca, which gets certificates)',
      (name: string, previous: readonly string[]) => [...previous, name],
      [],
    )
    .option('--ttl <duration>', 'how long the token is good, up to 7d', '1h')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (options: TokenOptions) => {
      const { namespace, name } = parseServiceAccount(options.serviceAccount);
      const body = { namespace, serviceAccount: name, lifetime: options.ttl };
      const answer = await callAdmin<TokenAnswer>(dataDirOf(options), {
        method: 'POST',
        ...(options.type === 'jwt'
          ? {
              path: '/v1/service-account-tokens',
              body: { ...body, audiences: audiencesOf(options) },
            }
          : { path: '/v1/tokens', body: enrolmentOf(body, options) }),
      });
      print(options.output ?? 'text', answer, ({ token }) => token);
    });
  return withExamples(
    create,
    'hauberk token create --service-account shop/reviews > reviews.token',
    'hauberk token create --service-account shop/reviews --type jwt --audience vault --ttl 10m',
  );
}

function audiencesOf({ audience }: TokenOptions): readonly string[] {
  return audience.length > 0 ? audience : ['istio-ca'];
}

function enrolmentOf<T>(body: T, { audience }: TokenOptions): T {
  if (audience.length === 0) return body;
  throw new MeshError('ERR_USAGE', 'an enrolment token has no --audience; add --type jwt');
}

function replaceKeysCommand(): Command {
  const replace = new Command('replace-keys')
    .description(
      'after the theft of a signing key: a new key signs from now on, and no token that was issued before is good any more',
    )
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (options: CommonOptions) => {
      const call = { method: 'POST', path: '/v1/token-keys/replace' } as const;
      const answer = await callAdmin<{ readonly keyId: string }>(dataDirOf(options), call);
      print(
        options.output ?? 'text',
        answer,
        ({ keyId }) => `tokens are signed by ${keyId}; those of the keys before are refused`,
      );
    });
  return withExamples(replace, 'hauberk token replace-keys');
}

function parseServiceAccount(text: string): { readonly namespace: string; readonly name: string } {
  const [namespace, name, ...rest] = text.split('/');
  if (namespace && name && rest.length === 0) return { namespace, name };
  throw new MeshError(
    'ERR_USAGE',
    `"${text}" is not a service account; write namespace/name, for example shop/reviews`,
  );
}
