import { Command } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import { discover, pathOf } from '../../apiclient/discovery.ts';
import { operatorCall } from '../../apiclient/operator-call.ts';
import { MeshError } from '../../lib/errors.ts';
import { withClient } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print, table } from '../output.ts';
import { type ChangeLine, changeLines } from './change-lines.ts';
import { fieldDifferences } from './field-differences.ts';

interface ObjectOptions extends CommonOptions {
  readonly namespace?: string;
}

interface VersionView {
  readonly version: string;
  readonly at: string;
  readonly type: string;
  readonly generation?: number;
  readonly manager?: string;
  readonly resource?: unknown;
}

function objectCommand(name: string, description: string): Command {
  const command = new Command(name)
    .description(description)
    .option('-n, --namespace <name>', 'namespace (default: of the context, or default)')
    .addOption(outputOption());
  return withAccess(command);
}

async function versionsOf(
  [kind, name]: readonly [string, string],
  options: ObjectOptions,
): Promise<readonly VersionView[]> {
  return withClient(options, async (client) => {
    const path = await pathBelow(client, { kind, name, subresource: 'history' }, options);
    return (await client.json<{ readonly items: VersionView[] }>({ path })).items;
  });
}

/** Where the past of an object is. */
async function pathBelow(
  client: ApiClient,
  {
    kind,
    ...place
  }: { readonly kind: string; readonly name: string; readonly subresource: string },
  { namespace = client.access.namespace ?? 'default' }: ObjectOptions,
): Promise<string> {
  const resource = (await discover(client)).require(kind);
  return pathOf(resource, { ...place, namespace });
}

/** `hauberk history KIND NAME`. */
export function historyCommand(): Command {
  const command = objectCommand('history', 'the versions of an object that are kept, oldest first')
    .argument('<kind>')
    .argument('<name>')
    .action(async (kind: string, name: string, options: ObjectOptions) => {
      const items = await versionsOf([kind, name], options);
      print(options.output ?? 'text', items, (rows) =>
        table(
          ['VERSION', 'AT', 'WHAT', 'GENERATION', 'BY'],
          rows.map(({ version, at, type, generation, manager }) => [
            ...[version, at, type, String(generation ?? ''), manager ?? ''],
          ]),
        ),
      );
    });
  return withExamples(command, 'hauberk history peerauthentication default -n shop');
}

interface DiffOptions extends ObjectOptions {
  readonly from?: string;
  readonly to?: string;
}

/** `hauberk diff KIND NAME`. */
export function diffCommand(): Command {
  const command = objectCommand(
    'diff',
    'what changed between two versions of an object, field by field',
  )
    .argument('<kind>')
    .argument('<name>')
    .option('--from <version>', 'default: the last but one')
    .option('--to <version>', 'default: the last')
    .action(async (kind: string, name: string, options: DiffOptions) => {
      const items = await versionsOf([kind, name], options);
      const to = pick(items, options.to, -1);
      const from = pick(items, options.from, items.indexOf(to) - 1);
      const differences = fieldDifferences(shown(from), shown(to));
      print(options.output ?? 'text', differences, (all) =>
        all
          .flatMap(({ field, before, after }) => [
            ...(before === undefined ? [] : [`- ${field}: ${before}`]),
            ...(after === undefined ? [] : [`+ ${field}: ${after}`]),
          ])
          .join('\n'),
      );
      if (differences.length > 0) process.exitCode = 1;
    });
  return withExamples(command, 'hauberk diff peerauthentication default -n shop --from 12');
}

function pick(
  items: readonly VersionView[],
  version: string | undefined,
  fallback: number,
): VersionView {
  const found =
    version === undefined ? items.at(fallback) : items.find((item) => item.version === version);
  if (found !== undefined && !(version === undefined && fallback < -1)) return found;
  const known = items.map((item) => item.version).join(', ');
  throw new MeshError(
    'ERR_NOT_FOUND',
    `there is no version "${version ?? 'before that'}"; known are ${known}`,
  );
}

/** A deletion leaves nothing. */
function shown({ type, resource }: VersionView): unknown {
  if (type === 'DELETED') return {};
  if (resource !== undefined) return resource;
  throw new MeshError('ERR_FORBIDDEN', 'what is in objects of this kind is not shown');
}

interface RollbackOptions extends ObjectOptions {
  readonly to?: string;
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

/** `hauberk rollback KIND NAME [--to VERSION]`, `hauberk rollback --all --to TIME`. */
export function rollbackCommand(): Command {
  const command = objectCommand(
    'rollback',
    'make an object what it was; with --all, everything that people declared but Secrets, in one step',
  )
    .argument('[kind]')
    .argument('[name]')
    .option(
      '--to <version-or-time>',
      'a version of the object (default: before its last change), or with --all a time',
    )
    .option('--all', 'every object, to the state of a time')
    .option('--dry-run', 'with --all: say what would change')
    .action(
      async (kind: string | undefined, name: string | undefined, options: RollbackOptions) => {
        const order = rollbackOrder(kind, name, options);
        const answer = await withClient(options, (client) => rollBack(client, order, options));
        print(options.output ?? 'text', answer, ({ changes }) => changeLines(changes));
      },
    );
  return withExamples(
    command,
    'hauberk rollback peerauthentication default -n shop',
    'hauberk rollback --all --to 2026-01-31T12:00:00Z --dry-run',
  );
}

type RollbackOrder =
  | { readonly all: true; readonly to: string; readonly dryRun: boolean }
  | { readonly all: false; readonly kind: string; readonly name: string };

interface RollbackAnswer {
  readonly changes: ChangeLine[];
}

async function rollBack(
  client: ApiClient,
  order: RollbackOrder,
  options: RollbackOptions,
): Promise<RollbackAnswer> {
  if (order.all) {
    const { to, dryRun } = order;
    const body = { to, ...(dryRun ? { dryRun: 'true' } : {}) };
    return operatorCall(client, { method: 'POST', path: '/v1/rollback', body });
  }
  const { kind, name } = order;
  const path = await pathBelow(client, { kind, name, subresource: 'rollback' }, options);
  const body = options.to === undefined ? {} : { version: options.to };
  return client.json({ method: 'POST', path, body });
}

function rollbackOrder(
  kind: string | undefined,
  name: string | undefined,
  { all, to, dryRun = false }: RollbackOptions,
): RollbackOrder {
  if (all === true) {
    if (kind !== undefined || to === undefined) {
      throw new MeshError('ERR_USAGE', 'with --all, name no object and give --to a time');
    }
    return { all, to, dryRun };
  }
  if (kind === undefined || name === undefined) {
    throw new MeshError('ERR_USAGE', 'name kind and object, or give --all --to TIME');
  }
  if (dryRun) throw new MeshError('ERR_USAGE', '--dry-run goes with --all; see hauberk diff');
  return { all: false, kind, name };
}
