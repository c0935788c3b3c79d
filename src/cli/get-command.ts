import { Command } from 'commander';
import { callAdmin } from '../app/admin-client.ts';
import { formatDuration } from '../lib/duration.ts';
import { formatManifest } from '../resources/format-manifest.ts';
import type { Column } from '../resources/kind-definition.ts';
import { kindOf } from '../resources/kinds.ts';
import type { Resource } from '../resources/resource.ts';
import { type CommonOptions, dataDirOf, dataDirOption, withExamples } from './options.ts';
import { table } from './output.ts';

interface GetOptions extends Omit<CommonOptions, 'output'> {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly output: 'text' | 'json' | 'yaml';
}

/** `hauberk get KIND [NAME]`. */
export function getCommand(): Command {
  const command = new Command('get')
    .description('show resources of one kind')
    .argument('<kind>', 'kind, plural or short name, such as peerauthentications or pa')
    .argument('[name]', 'only the one of that name')
    .option('-n, --namespace <name>', 'namespace to look in', 'default')
    .option('-A, --all-namespaces', 'look in all namespaces')
    .option('-o, --output <format>', 'text, json or yaml', 'text')
    .addOption(dataDirOption())
    .action(async (kind: string, name: string | undefined, options: GetOptions) => {
      const namespace = options.allNamespaces ? undefined : options.namespace;
      const { items } = await callAdmin<{ items: Resource[] }>(dataDirOf(options), {
        method: 'GET',
        path: '/v1/resources',
        query: { kind, name, namespace },
      });
      process.stdout.write(render(items, name !== undefined, options));
    });
  return withExamples(
    command,
    'hauberk get peerauthentications -n shop',
    'hauberk get we -A -o json',
  );
}

function render(items: readonly Resource[], single: boolean, options: GetOptions): string {
  const value = single ? items[0] : { apiVersion: 'v1', kind: 'List', items };
  if (options.output === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  if (options.output === 'yaml') return formatManifest(items);
  if (items.length === 0) return 'No resources found.\n';
  const columns = items[0] === undefined ? [] : (kindOf(items[0])?.columns ?? []);
  const spread = options.allNamespaces === true;
  const headings = [
    ...(spread ? ['NAMESPACE'] : []),
    'NAME',
    ...columns.map(({ name }) => name.toUpperCase()),
    'AGE',
  ];
  const rows = items.map((item) => [
    ...(spread ? [item.metadata.namespace ?? ''] : []),
    item.metadata.name,
    ...columns.map((column) => cell(item, column)),
  ]);
  return `${table(headings, rows)}\n`;
}

/** The value at a column's path, such as `.spec.mtls.mode`; dates as the time since. */
function cell(resource: Resource, { jsonPath, type }: Column): string {
  const parts = jsonPath.split('.').filter((part) => part !== '');
  let value: unknown = resource;
  for (const part of parts)
    value = (value as Readonly<Record<string, unknown>> | undefined)?.[part];
  if (value === undefined || value === null) return '';
  if (type === 'date') return age(String(value));
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function age(text: string): string {
  const bornMs = Date.parse(text);
  return Number.isNaN(bornMs) ? '' : formatDuration(Math.max(0, Date.now() - bornMs));
}
