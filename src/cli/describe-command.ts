import { Command } from 'commander';
import type { ApiClient } from '../apiclient/api-client.ts';
import { ApiError } from '../apiclient/api-error.ts';
import type { ApiList, ApiObject } from '../apiclient/api-object.ts';
import { type ApiResource, type Discovery, discover, pathOf } from '../apiclient/discovery.ts';
import { manifestObjects } from '../apiclient/manifest-objects.ts';
import { placed } from '../apiclient/placed.ts';
import { MeshError } from '../lib/errors.ts';
import { withClient } from './api-access.ts';
import { describedObject } from './described-object.ts';
import { eventText } from './event-text.ts';
import { listPages } from './list-pages.ts';
import { manifestTexts } from './manifest-files.ts';
import { type NamespaceOptions, namespaceOf, withNamespace } from './namespace-options.ts';
import { type AccessOptions, withAccess, withExamples } from './options.ts';
import { table } from './output.ts';
import { resourceTargets } from './resource-arguments.ts';

interface DescribeOptions extends AccessOptions, NamespaceOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly selector?: string;
  readonly showEvents: string | boolean;
}

/** `hauberk describe TYPE NAME`. */
export function describeCommand(): Command {
  const command = new Command('describe')
    .description('all about a resource, with what happened to it')
    .argument('[type]', 'type or short name; or TYPE/NAME')
    .argument('[names...]', 'only these, or those whose names begin so')
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('-f, --filename <file>', 'those that a file names; may be repeated', collect)
    .option('-R, --recursive', 'with -f: look into the directories of a directory too')
    .option('-l, --selector <labels>', 'only those with these labels')
    .option('--show-events [yes]', 'with what happened to them', 'true');
  return withExamples(
    withAccess(withNamespace(command)).action(
      (type: string | undefined, names: readonly string[], options: DescribeOptions) =>
        withClient(options, (client) =>
          describe(client, type === undefined ? [] : [type, ...names], options),
        ),
    ),
    'hauberk describe peerauthentication default -n shop',
    'hauberk describe certificate/web -n shop',
  );
}

interface Found {
  readonly resource: ApiResource;
  readonly object: ApiObject;
}

async function describe(
  client: ApiClient,
  words: readonly string[],
  options: DescribeOptions,
): Promise<void> {
  const discovery = await discover(client);
  const found = await objectsOf(client, { words, discovery }, options);
  const texts: string[] = [];
  for (const { resource, object } of found) {
    const events = String(options.showEvents) === 'false' ? [] : await eventLines(client, object);
    texts.push([...describedObject(object, resource), ...events].join('\n'));
  }
  if (texts.length === 0) process.stderr.write('No resources found\n');
  else process.stdout.write(`${texts.join('\n\n\n')}\n`);
}

async function objectsOf(
  client: ApiClient,
  { words, discovery }: { readonly words: readonly string[]; readonly discovery: Discovery },
  options: DescribeOptions,
): Promise<readonly Found[]> {
  const namespace = namespaceOf(options, client);
  const named = (resource: ApiResource, name: string, inNamespace = namespace) =>
    client
      .json<ApiObject>({ path: pathOf(resource, { namespace: inNamespace, name }) })
      .then((object) => [{ resource, object }]);
  const found: Found[] = [];
  if (options.filename !== undefined) {
    for (const { object } of manifestTexts(options.filename, options).flatMap(manifestObjects)) {
      const resource = discovery.kindOf(object) ?? discovery.require(object.kind);
      const { metadata } = placed(object, resource, namespace);
      found.push(...(await named(resource, metadata.name, metadata.namespace)));
    }
    return found;
  }
  for (const { resource, name } of resourceTargets(words, discovery)) {
    if (name === undefined) found.push(...(await listed(client, resource, options)));
    else found.push(...(await orThatBeginSo(client, { resource, name }, { options, named })));
  }
  return found;
}

/** As kubectl: a name that there is not may be the beginning of others. */
async function orThatBeginSo(
  client: ApiClient,
  { resource, name }: { readonly resource: ApiResource; readonly name: string },
  {
    options,
    named,
  }: {
    readonly options: DescribeOptions;
    readonly named: (resource: ApiResource, name: string) => Promise<readonly Found[]>;
  },
): Promise<readonly Found[]> {
  try {
    return await named(resource, name);
  } catch (error) {
    if (!ApiError.because(error, 'NotFound')) throw error;
    const all = await listed(client, resource, options);
    const beginning = all.filter(({ object }) => object.metadata.name.startsWith(name));
    if (beginning.length > 0) return beginning;
    throw error;
  }
}

async function listed(
  client: ApiClient,
  resource: ApiResource,
  options: DescribeOptions,
): Promise<readonly Found[]> {
  const namespace = namespaceOf(options, client);
  const found: Found[] = [];
  for await (const { items = [] } of listPages<ApiList>(client, resource, {
    ...{ namespace, selector: options.selector },
  })) {
    found.push(...items.map((object) => ({ resource, object })));
  }
  return found;
}

async function eventLines(client: ApiClient, object: ApiObject): Promise<readonly string[]> {
  const { uid, namespace = 'default', name } = object.metadata;
  const about = uid === undefined ? `involvedObject.name=${name}` : `involvedObject.uid=${uid}`;
  const query = { fieldSelector: `${about},involvedObject.kind=${object.kind}`, limit: 500 };
  let items: readonly ApiObject[];
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    items = (await client.json<ApiList>({ path, query })).items ?? [];
  } catch (error) {
    // Who may read the object may not be let read what happened in its namespace.
    if (MeshError.is(error, 'ERR_FORBIDDEN')) return ['Events:  (you may not read them)'];
    throw error;
  }
  if (items.length === 0) return ['Events:  <none>'];
  const nowMs = Date.now();
  const rows = items
    .map((event) => eventText(event, nowMs))
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ type, reason, age, from, message }) => [type, reason, age, from, message]);
  const lines = table(['Type', 'Reason', 'Age', 'From', 'Message'], rows).split('\n');
  return ['Events:', ...lines.map((line) => `  ${line}`)];
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
