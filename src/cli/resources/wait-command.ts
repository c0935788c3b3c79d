import { Command } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import type { ApiList, ApiObject } from '../../apiclient/api-object.ts';
import { type ApiResource, discover, objectText, pathOf } from '../../apiclient/discovery.ts';
import { untilGone } from '../../apiclient/until-gone.ts';
import { watchEvents } from '../../apiclient/watch-events.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { progressOn } from '../progress.ts';
import { type AwaitedState, parseAwaitedState } from './awaited-state.ts';
import { listObjects } from './list-objects.ts';
import { type NamespaceOptions, namespaceOf, withNamespace } from './namespace-options.ts';
import { resourceTargets } from './resource-arguments.ts';

interface WaitOptions extends AccessOptions, NamespaceOptions {
  readonly for: string;
  readonly timeout: string;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly all?: boolean;
}

/** `hauberk wait TYPE/NAME --for=condition=Ready`. */
export function waitCommand(): Command {
  const command = new Command('wait')
    .description('return when resources are as they should be')
    .argument('<type>', 'type or short name; or TYPE/NAME')
    .argument('[names...]', 'the resources')
    .requiredOption(
      '--for <what>',
      'condition=Ready, condition=Ready=False, delete, create, or jsonpath={.status.phase}=Active',
    )
    .option('--timeout <duration>', 'how long for each; 0 looks once', '30s')
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('-l, --selector <labels>', 'those with these labels')
    .option('--field-selector <fields>', 'those with these fields')
    .option('--all', 'all of the type in the namespace');
  return withExamples(
    withAccess(withNamespace(command)).action(
      (type: string, names: readonly string[], options: WaitOptions) =>
        withClient(options, (client) => wait(client, [type, ...names], options)),
    ),
    'hauberk wait certificate/web -n shop --for=condition=Ready --timeout 1m',
    "hauberk wait ns/shop --for=jsonpath='{.status.phase}'=Active",
    'hauberk wait namespace/shop --for=delete',
  );
}

interface Awaited {
  readonly resource: ApiResource;
  readonly name: string;
  readonly namespace: string | undefined;
}

async function wait(
  client: ApiClient,
  words: readonly string[],
  options: WaitOptions,
): Promise<void> {
  const state = parseAwaitedState(options.for);
  const timeoutMs = /^-?0s?$/.test(options.timeout) ? 0 : parseDuration(options.timeout);
  const targets = await awaitedOf(client, words, options);
  if (targets.length === 0 && state.is !== 'gone') {
    throw new MeshError('ERR_NOT_FOUND', 'no matching resources found');
  }
  const progress = progressOn(process.stderr, { afterMs: 2_000 });
  try {
    for (const target of targets) {
      const text = objectText(target.resource, target.name);
      progress.show(`waiting for ${text}`);
      await awaitOne(client, target, { state, timeoutMs });
      progress.clear();
      process.stdout.write(`${text} ${state.is === 'gone' ? 'deleted' : 'condition met'}\n`);
    }
  } finally {
    progress.clear();
  }
}

async function awaitedOf(
  client: ApiClient,
  words: readonly string[],
  options: WaitOptions,
): Promise<readonly Awaited[]> {
  const discovery = await discover(client);
  const namespace = namespaceOf(options, client);
  const { selector, fieldSelector, all } = options;
  const selecting = selector !== undefined || fieldSelector !== undefined || all === true;
  const found: Awaited[] = [];
  for (const { resource, name } of resourceTargets(words, discovery)) {
    if (name !== undefined) {
      found.push({ resource, name, namespace });
      continue;
    }
    if (!selecting) {
      throw new MeshError('ERR_USAGE', 'name the resources, or give -l LABELS or --all');
    }
    for (const { metadata } of await listObjects(client, resource, { ...options, namespace })) {
      found.push({ resource, name: metadata.name, namespace: metadata.namespace });
    }
  }
  return found;
}

async function awaitOne(
  client: ApiClient,
  { resource, name, namespace }: Awaited,
  { state, timeoutMs }: { readonly state: AwaitedState; readonly timeoutMs: number },
): Promise<void> {
  const path = pathOf(resource, { namespace, name });
  if (state.is === 'gone') {
    // No time at all is one look.
    return untilGone(client, { path, timeoutMs: Math.max(timeoutMs, 1) });
  }
  const deadline = AbortSignal.timeout(Math.max(timeoutMs, 1));
  const met = await firstThat(client, { resource, name, namespace }, state, deadline);
  if (met === 'met') return;
  const text = objectText(resource, name);
  if (met === 'absent' && state.is !== 'there') {
    throw new MeshError('ERR_NOT_FOUND', `${text} not found`);
  }
  throw new MeshError('ERR_UNREACHABLE', `timed out waiting for the condition on ${text}`);
}

/** Whether the object comes to be so before the deadline; `absent` when it is not there at first. */
async function firstThat(
  client: ApiClient,
  { resource, name, namespace }: Awaited,
  state: Exclude<AwaitedState, { is: 'gone' }>,
  deadline: AbortSignal,
): Promise<'met' | 'absent' | 'late'> {
  const path = pathOf(resource, { namespace });
  const fieldSelector = `metadata.name=${name}`;
  const seen = { outcome: 'late' as 'met' | 'absent' | 'late' };
  const stopped = new AbortController();
  const judge = (object: ApiObject): void => {
    if (state.is === 'there' || state.holds(object)) seen.outcome = 'met';
  };
  const events = watchEvents<ApiObject>(client, {
    path,
    query: { fieldSelector },
    signal: AbortSignal.any([deadline, stopped.signal]),
    list: async () => {
      const list = await client.json<ApiList>({ path, query: { fieldSelector } });
      const [object] = list.items ?? [];
      if (object !== undefined) judge(object);
      else if (state.is !== 'there') seen.outcome = 'absent';
      if (seen.outcome !== 'late') stopped.abort();
      return list.metadata?.resourceVersion ?? '';
    },
    versionOf: ({ metadata }) => metadata.resourceVersion,
  });
  for await (const { type, object } of events) {
    if (type !== 'DELETED') judge(object);
    if (seen.outcome === 'met') break;
  }
  return seen.outcome;
}
