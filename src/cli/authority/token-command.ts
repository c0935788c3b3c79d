import { Command, Option } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import {
  enrolmentToken,
  type ServiceAccountName,
  serviceAccountToken,
} from '../../apiclient/make-token.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { askPlane, withClient } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print } from '../output.ts';

interface TokenOptions extends CommonOptions {
  readonly serviceAccount: string;
  readonly type: 'enrolment' | 'jwt';
  readonly audience: readonly string[];
  readonly ttl: string;
}

const SHORTEST_JWT_MS = 600_000;
const LONGEST_JWT_MS = 7 * 86_400_000;

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
    .addOption(outputOption())
    .action(async (options: TokenOptions) => {
      const { namespace, name } = parseServiceAccount(options.serviceAccount);
      const answer = await withClient(options, (client) =>
        make(client, { namespace, name }, options),
      );
      print(options.output ?? 'text', answer, ({ token }) => token);
    });
  return withExamples(
    withAccess(create),
    'hauberk token create --service-account shop/reviews > reviews.token',
    'hauberk token create --service-account shop/reviews --type jwt --audience vault --ttl 10m',
  );
}

function make(client: ApiClient, account: ServiceAccountName, options: TokenOptions) {
  const { audience, ttl, type } = options;
  if (type === 'jwt') {
    const audiences = audience.length > 0 ? audience : ['istio-ca'];
    return serviceAccountToken(client, account, { audiences, lifetimeMs: jwtLifetimeMs(ttl) });
  }
  if (audience.length > 0) {
    throw new MeshError('ERR_USAGE', 'an enrolment token has no --audience; add --type jwt');
  }
  // Here already, where a mistake is one of usage.
  parseDuration(ttl);
  return enrolmentToken(client, account, ttl);
}

function jwtLifetimeMs(ttl: string): number {
  const lifetimeMs = parseDuration(ttl);
  if (lifetimeMs >= SHORTEST_JWT_MS && lifetimeMs <= LONGEST_JWT_MS) return lifetimeMs;
  throw new MeshError('ERR_USAGE', `"${ttl}" is no lifetime for a jwt; it may be from 10m to 7d`);
}

function replaceKeysCommand(): Command {
  const replace = new Command('replace-keys')
    .description(
      'after the theft of a signing key: a new key signs from now on, and no token that was issued before is good any more',
    )
    .addOption(outputOption())
    .action(async (options: CommonOptions) => {
      const call = { method: 'POST', path: '/v1/token-keys/replace' } as const;
      const answer = await askPlane<{ readonly keyId: string }>(options, call);
      print(
        options.output ?? 'text',
        answer,
        ({ keyId }) => `tokens are signed by ${keyId}; those of the keys before are refused`,
      );
    });
  return withExamples(withAccess(replace), 'hauberk token replace-keys');
}

function parseServiceAccount(text: string): { readonly namespace: string; readonly name: string } {
  const [namespace, name, ...rest] = text.split('/');
  if (namespace && name && rest.length === 0) return { namespace, name };
  throw new MeshError(
    'ERR_USAGE',
    `"${text}" is not a service account; write namespace/name, for example shop/reviews`,
  );
}
