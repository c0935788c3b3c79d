import { Command, Option } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import { ApiError } from '../../apiclient/api-error.ts';
import type { ApiObject } from '../../apiclient/api-object.ts';
import { type ApiResource, discover, objectText, pathOf } from '../../apiclient/discovery.ts';
import { untilGone } from '../../apiclient/until-gone.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { progressOn } from '../progress.ts';
import { listObjects } from './list-objects.ts';
import { manifestTargets } from './manifest-targets.ts';
import { type NamespaceOptions, namespaceOf, withNamespace } from './namespace-options.ts';
import { resourceTargets } from './resource-arguments.ts';
import { dryRunText } from './write-options.ts';

interface DeleteOptions extends AccessOptions, NamespaceOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly all?: boolean;
  readonly ignoreNotFound?: boolean;
  readonly wait: string | boolean;
  readonly timeout: string;
  readonly cascade: string;
  readonly dryRun?: 'none' | 'client' | 'server';
  readonly output?: string;
}

/** `hauberk delete TYPE NAME…`. */
export function deleteCommand(): Command {
  const command = new Command('delete')
    .description('delete resources; a namespace takes what is in it along')
    .argument('[type]', 'type or short name; or TYPE/NAME')
    .argument('[names...]', 'names of the resources')
    .option('-A, --all-namespaces', 'with -l or --all: in all namespaces')
    .option('-f, --filename <file>', 'those that a file names; may be repeated', collect)
    .option('-R, --recursive', 'with -f: look into the directories of a directory too')
    .option('-l, --selector <labels>', 'those with these labels')
    .option('--field-selector <fields>', 'those with these fields')
    .option('--all', 'all of the type in the namespace')
    .option('--ignore-not-found', 'what is not there is no error')
    .option('--wait [yes]', 'return when finalizers have let it go', 'true')
    .option('--timeout <duration>', 'how long to wait', '10m')
    .addOption(
      new Option('--cascade <how>', 'what it owns: background goes with it, orphan stays')
        .choices(['background', 'foreground', 'orphan'])
        .default('background'),
    )
    .addOption(
      new Option('--dry-run [how]', 'say what would be deleted')
        .choices(['none', 'client', 'server'])
        .preset('client')
        .default('none'),
    )
    .addOption(new Option('-o, --output <format>', 'names only').choices(['name']));
  return withExamples(
    withAccess(withNamespace(command)).action(
      (type: string | undefined, names: readonly string[], options: DeleteOptions) =>
        withClient(options, (client) =>
          remove(client, type === undefined ? [] : [type, ...names], options),
        ),
    ),
    'hauberk delete authorizationpolicy reviews-callers -n shop',
    'hauberk delete -f examples/shop/policies/strict.yaml',
    'hauberk delete workloadentries -n shop -l app=reviews',
  );
}

interface Doomed {
  readonly resource: ApiResource;
  readonly name: string;
  readonly namespace: string | undefined;
}

async function remove(
  client: ApiClient,
  words: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  const doomed = await doomedOf(client, words, options);
  if (doomed.length === 0 && options.ignoreNotFound !== true) {
    process.stderr.write('No resources found\n');
  }
  const errors: unknown[] = [];
  const left: (Doomed & { readonly uid: string })[] = [];
  for (const one of doomed) {
    try {
      const uid = await removeOne(client, one, options);
      if (uid !== undefined) left.push({ ...one, uid });
      printLine(one, options);
    } catch (error) {
      if (!isAbsence(error, options)) errors.push(error);
    }
  }
  const waits = String(options.wait) !== 'false' && (options.dryRun ?? 'none') === 'none';
  if (waits) await awaitEnd(client, left, options);
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors);
}

function printLine({ resource, name }: Doomed, options: DeleteOptions): void {
  const text = objectText(resource, name);
  const line = options.output === 'name' ? text : `${text} deleted${dryRunText(options)}`;
  process.stdout.write(`${line}\n`);
}

function isAbsence(error: unknown, { ignoreNotFound }: DeleteOptions): boolean {
  return ignoreNotFound === true && MeshError.is(error, 'ERR_NOT_FOUND');
}

async function doomedOf(
  client: ApiClient,
  words: readonly string[],
  options: DeleteOptions,
): Promise<readonly Doomed[]> {
  const discovery = await discover(client);
  const namespace = namespaceOf(options, client);
  if (options.filename !== undefined) {
    const { recursive } = options;
    return manifestTargets(options.filename, { discovery, namespace, recursive });
  }
  const { selector, fieldSelector, all } = options;
  const selecting = selector !== undefined || fieldSelector !== undefined || all === true;
  const found: Doomed[] = [];
  for (const { resource, name } of resourceTargets(words, discovery)) {
    if (name !== undefined) found.push({ resource, name, namespace });
    else if (selecting) found.push(...(await selected(client, resource, options)));
    else {
      throw new MeshError(
        'ERR_USAGE',
        'resource(s) were provided, but no name was specified; give names, -l LABELS, or --all',
      );
    }
  }
  return found;
}

async function selected(
  client: ApiClient,
  resource: ApiResource,
  options: DeleteOptions,
): Promise<readonly Doomed[]> {
  const namespace = namespaceOf(options, client);
  const objects = await listObjects(client, resource, { ...options, namespace });
  return objects.map(({ metadata }) => ({
    resource,
    name: metadata.name,
    namespace: metadata.namespace,
  }));
}

/** The uid of what finalizers may still hold; undefined when it is gone, or was not really deleted. */
async function removeOne(
  client: ApiClient,
  { resource, name, namespace }: Doomed,
  { dryRun = 'none', cascade }: DeleteOptions,
): Promise<string | undefined> {
  const path = pathOf(resource, { namespace, name });
  if (dryRun === 'client') {
    await client.json({ path });
    return undefined;
  }
  const propagationPolicy = `${cascade.charAt(0).toUpperCase()}${cascade.slice(1)}`;
  const answer = await client.json<Partial<ApiObject>>({
    method: 'DELETE',
    path,
    query: { dryRun: dryRun === 'server' ? 'All' : undefined },
    body: { propagationPolicy },
  });
  return answer.kind === 'Status' ? undefined : answer.metadata?.uid;
}

async function awaitEnd(
  client: ApiClient,
  left: readonly (Doomed & { readonly uid: string })[],
  { timeout }: DeleteOptions,
): Promise<void> {
  const timeoutMs = timeout === '0' || timeout === '0s' ? 0 : parseDuration(timeout);
  const progress = progressOn(process.stderr, { afterMs: 2_000 });
  try {
    for (const { resource, name, namespace, uid } of left) {
      progress.show(`waiting until ${objectText(resource, name)} is gone`);
      const path = pathOf(resource, { namespace, name });
      await untilGone(client, { path, uid, timeoutMs });
    }
  } catch (error) {
    if (!ApiError.because(error, 'Forbidden')) throw error;
    // Who may delete and not read cannot wait.
  } finally {
    progress.clear();
  }
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
