import { Command } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import { ApiError } from '../../apiclient/api-error.ts';
import type { ApiList, ApiObject } from '../../apiclient/api-object.ts';
import { type ApiResource, type Discovery, discover, pathOf } from '../../apiclient/discovery.ts';
import { ROOT_NAMESPACE } from '../../app/data-dir.ts';
import { MeshError } from '../../lib/errors.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { table } from '../output.ts';
import { describeWorkload } from '../policy/describe-workload.ts';
import { describedObject } from './described-object.ts';
import { eventText } from './event-text.ts';
import { listObjects } from './list-objects.ts';
import { manifestTargets } from './manifest-targets.ts';
import { type NamespaceOptions, namespaceOf, withNamespace } from './namespace-options.ts';
import { type Look, relatedObjects } from './related-objects.ts';
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
      async (type: string | undefined, names: readonly string[], options: DescribeOptions) => {
        if (type === 'workload') return describeWorkloads(names, options);
        await withClient(options, (client) =>
          describe(client, type === undefined ? [] : [type, ...names], options),
        );
      },
    ),
    'hauberk describe peerauthentication default -n shop',
    'hauberk describe certificate/web -n shop',
    'hauberk describe workload shop/products',
  );
}

/** A workload is no resource, but what many of them say together. */
async function describeWorkloads(
  names: readonly string[],
  options: DescribeOptions,
): Promise<void> {
  if (names.length === 0) {
    throw new MeshError('ERR_USAGE', 'name the workload: hauberk describe workload shop/products');
  }
  for (const name of names) {
    process.stdout.write(`${await describeWorkload(name, options)}\n`);
  }
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
    const related = await relatedLines(client, object, discovery);
    texts.push([...describedObject(object, resource), ...related, ...events].join('\n'));
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
  const { filename, recursive } = options;
  if (filename !== undefined) {
    for (const one of manifestTargets(filename, { discovery, namespace, recursive })) {
      found.push(...(await named(one.resource, one.name, one.namespace)));
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
  const where = { namespace: namespaceOf(options, client), selector: options.selector };
  const objects = await listObjects(client, resource, where);
  return objects.map((object) => ({ resource, object }));
}

async function relatedLines(
  client: ApiClient,
  object: ApiObject,
  discovery: Discovery,
): Promise<readonly string[]> {
  const look: Look = {
    rootNamespace: ROOT_NAMESPACE,
    list: (type, { namespace, selector }) =>
      listObjects(client, discovery.require(type), { namespace, selector }),
  };
  try {
    return (await relatedObjects(object, look)).flatMap(({ title, lines, none }) =>
      lines.length === 0
        ? [`${title}:  <none>, ${none}`]
        : [`${title}:`, ...lines.map((line) => `  ${line}`)],
    );
  } catch (error) {
    // Who may read the object may not be let read the others.
    if (MeshError.is(error, 'ERR_FORBIDDEN')) return ['Related:  (you may not read them)'];
    throw error;
  }
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
