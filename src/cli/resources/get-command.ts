import { Command, Option } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import type { ApiObject } from '../../apiclient/api-object.ts';
import { discover, objectText, pathOf } from '../../apiclient/discovery.ts';
import { MeshError } from '../../lib/errors.ts';
import { patiently, withClient } from '../api-access.ts';
import { withAccess, withExamples } from '../options.ts';
import { type GetOptions, type GetTarget, tableStyle } from './get-options.ts';
import { listObjects } from './list-objects.ts';
import { listPages } from './list-pages.ts';
import { manifestTargets } from './manifest-targets.ts';
import { namespaceOf, withNamespace } from './namespace-options.ts';
import { listOf, type ObjectFormat, objectFormatArgument, shownObject } from './object-format.ts';
import { type ApiTable, type ApiTableRow, printedTable, TABLE_ACCEPT } from './printed-table.ts';
import { resourceTargets } from './resource-arguments.ts';
import { sortedBy } from './sort-objects.ts';
import { watchObjects } from './watch-objects.ts';

/** `hauberk get TYPE [NAME…]`. */
export function getCommand(): Command {
  const command = new Command('get')
    .description('show resources: a table, or whole with -o')
    .argument('[type]', 'type, short name or category, several with commas; or TYPE/NAME')
    .argument('[names...]', 'only these')
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('-l, --selector <labels>', 'only those with these labels: app=reviews,tier!=test')
    .option('--field-selector <fields>', 'only those with these fields: metadata.name=default')
    .option('-f, --filename <file>', 'those that a file names; may be repeated', collect)
    .option('-R, --recursive', 'with -f: look into the directories of a directory too')
    .addOption(
      new Option(
        '-o, --output <format>',
        'wide, json, yaml, name, jsonpath=…, custom-columns=HEADING:.path,…',
      )
        .argParser(objectFormatArgument)
        .default({ as: 'table', wide: false } satisfies ObjectFormat, 'a table'),
    )
    .option('-w, --watch', 'then go on and show every change')
    .option('--watch-only', 'show changes only')
    .option('--output-watch-events', 'with -w: say what happened to each')
    .option('--sort-by <path>', 'order by a field: .metadata.creationTimestamp')
    .option('--no-headers', 'no headings')
    .option('--show-labels', 'labels in the last column')
    .option('-L, --label-columns <labels>', 'these labels as columns', commaList)
    .option('--show-kind', 'names with their kind')
    .option('--show-managed-fields', 'with -o json or yaml: who owns which field')
    .option('--ignore-not-found', 'what is not there is no error')
    .option(
      '--chunk-size <count>',
      'objects in one answer of the server; 0 for all',
      wholeNumber,
      500,
    )
    .option('--raw <path>', 'what the server answers at a path, as it is');
  return withExamples(
    withAccess(withNamespace(command)).action(
      async (type: string | undefined, names: readonly string[], options: GetOptions) => {
        await withClient(options, (client) =>
          options.raw === undefined
            ? get(client, type === undefined ? [] : [type, ...names], options)
            : getRaw(client, options.raw),
        );
      },
    ),
    'hauberk get peerauthentications -n shop',
    'hauberk get pa,authorizationpolicies -A -o wide',
    "hauberk get dr reviews -o jsonpath='{.spec.trafficPolicy.tls.mode}'",
  );
}

async function getRaw(client: ApiClient, path: string): Promise<void> {
  const url = URL.parse(path, client.access.server);
  if (!path.startsWith('/') || url === null) {
    throw new MeshError('ERR_USAGE', `--raw "${path}" must be a path such as /version`);
  }
  const query = Object.fromEntries(url.searchParams);
  process.stdout.write(await client.text({ path: url.pathname, query }));
}

async function get(
  client: ApiClient,
  words: readonly string[],
  options: GetOptions,
): Promise<void> {
  const targets = await patiently(() => targetsOf(client, words, options));
  const watching = options.watch === true || options.watchOnly === true;
  if (watching) return watchObjects(client, targets, options);
  const { output } = options;
  if (output.as === 'table') return printTables(client, targets, options);
  const { objects, errors } = await patiently(() => fetchAll(client, targets, options));
  const single = targets.length === 1 && targets[0]?.name !== undefined;
  printObjects(sortedBy(objects, options.sortBy), { single, targets }, options);
  failWith(errors);
}

async function targetsOf(
  client: ApiClient,
  words: readonly string[],
  options: GetOptions,
): Promise<readonly GetTarget[]> {
  const discovery = await discover(client);
  const namespace = namespaceOf(options, client);
  if (options.filename === undefined) {
    const targets = resourceTargets(words, discovery);
    if (options.allNamespaces === true && targets.some(({ name }) => name !== undefined)) {
      throw new MeshError(
        'ERR_USAGE',
        'a resource cannot be retrieved by name across all namespaces; give -n NAMESPACE',
      );
    }
    return targets.map((target) => ({ ...target, namespace }));
  }
  const { recursive } = options;
  return manifestTargets(options.filename, { discovery, namespace, recursive });
}

interface Fetched {
  readonly objects: readonly ApiObject[];
  readonly errors: readonly unknown[];
}

async function fetchAll(
  client: ApiClient,
  targets: readonly GetTarget[],
  options: GetOptions,
): Promise<Fetched> {
  const objects: ApiObject[] = [];
  const errors: unknown[] = [];
  for (const { resource, name, namespace } of targets) {
    try {
      if (name === undefined) {
        objects.push(...(await listObjects(client, resource, { ...options, namespace })));
      } else {
        objects.push(await client.json<ApiObject>({ path: pathOf(resource, { namespace, name }) }));
      }
    } catch (error) {
      if (!isAbsence(error, options)) errors.push(error);
    }
  }
  return { objects, errors };
}

function printObjects(
  objects: readonly ApiObject[],
  { single, targets }: { readonly single: boolean; readonly targets: readonly GetTarget[] },
  options: GetOptions,
): void {
  const { output, showManagedFields } = options;
  const shown = objects.map((object) => shownObject(object, showManagedFields));
  if (output.as === 'document' && !(single && shown.length === 0)) {
    process.stdout.write(output.print(single ? shown[0] : listOf(shown)));
  }
  if (output.as === 'columns') process.stdout.write(output.print(shown, options.headers));
  if (output.as !== 'name') return;
  for (const object of objects) process.stdout.write(`${nameLine(object, targets)}\n`);
}

function nameLine(object: ApiObject, targets: readonly GetTarget[]): string {
  const target = targets.find(({ resource }) => resource.kind === object.kind);
  const { name } = object.metadata;
  return target === undefined ? name : objectText(target.resource, name);
}

async function printTables(
  client: ApiClient,
  targets: readonly GetTarget[],
  options: GetOptions,
): Promise<void> {
  const kinds = [...new Set(targets.map(({ resource }) => resource))];
  const errors: unknown[] = [];
  let printed = 0;
  for (const resource of kinds) {
    const ofKind = targets.filter((target) => target.resource === resource);
    const fetched = await patiently(() => tablesOf(client, ofKind, options));
    const { tables, errors: failed } = fetched;
    errors.push(...failed);
    const rows = sortedRows(
      tables.flatMap(({ rows: some = [] }) => some),
      options,
    );
    if (rows.length === 0) continue;
    if (printed > 0) process.stdout.write('\n');
    const style = tableStyle(resource, options, kinds.length > 1);
    process.stdout.write(`${printedTable(tables[0] ?? {}, rows, style)}\n`);
    printed += 1;
  }
  if (printed === 0 && errors.length === 0 && options.ignoreNotFound !== true) {
    const namespaced = kinds.some((kind) => kind.namespaced);
    const where = namespaceOf(options, client);
    const place = namespaced && where !== undefined ? ` in ${where} namespace` : '';
    process.stderr.write(`No resources found${place}\n`);
  }
  failWith(errors);
}

async function tablesOf(
  client: ApiClient,
  targets: readonly GetTarget[],
  options: GetOptions,
): Promise<{ readonly tables: readonly ApiTable[]; readonly errors: readonly unknown[] }> {
  const tables: ApiTable[] = [];
  const errors: unknown[] = [];
  // The whole object is needed to sort by what no column shows.
  const query = options.sortBy === undefined ? {} : { includeObject: 'Object' };
  for (const { resource, name, namespace } of targets) {
    try {
      if (name === undefined) {
        const list = { ...options, namespace, query, accept: TABLE_ACCEPT };
        for await (const page of listPages<ApiTable>(client, resource, list)) tables.push(page);
      } else {
        const path = pathOf(resource, { namespace, name });
        tables.push(await client.json<ApiTable>({ path, query, accept: TABLE_ACCEPT }));
      }
    } catch (error) {
      if (!isAbsence(error, options)) errors.push(error);
    }
  }
  return { tables, errors };
}

function sortedRows(rows: readonly ApiTableRow[], { sortBy }: GetOptions): readonly ApiTableRow[] {
  if (sortBy === undefined) return rows;
  const byObject = new Map(rows.map((row) => [row.object as unknown as ApiObject, row]));
  return sortedBy([...byObject.keys()], sortBy).flatMap((object) => byObject.get(object) ?? []);
}

function isAbsence(error: unknown, { ignoreNotFound }: GetOptions): boolean {
  return ignoreNotFound === true && MeshError.is(error, 'ERR_NOT_FOUND');
}

/** What was found is shown before the first error ends the command; the others are told of too. */
function failWith(errors: readonly unknown[]): void {
  const [first, ...others] = errors;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  throw new AggregateError(errors);
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function commaList(value: string): readonly string[] {
  return value.split(',').filter((part) => part !== '');
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new MeshError('ERR_USAGE', `"${text}" is no whole number`);
}
