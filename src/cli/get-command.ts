import { Command } from 'commander';
import { callAdmin } from '../app/admin-client.ts';
import { formatDuration } from '../lib/duration.ts';
import { columnText } from '../resources/column-text.ts';
import { formatManifest } from '../resources/format-manifest.ts';
import type { Column } from '../resources/kind-definition.ts';
import { ageColumn } from '../resources/kinds/columns.ts';
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
  const columns = items[0] === undefined ? [] : columnsOf(items[0]);
  const spread = options.allNamespaces === true;
  const headings = [
    ...(spread ? ['NAMESPACE'] : []),
    'NAME',
    ...columns.map(({ name }) => name.toUpperCase()),
  ];
  const cells = columns.map((column) => {
    const text = columnText(column);
    return (item: Resource) => (column.type === 'date' ? age(text(item)) : text(item));
  });
  const rows = items.map((item) => [
    ...(spread ? [item.metadata.namespace ?? ''] : []),
    item.metadata.name,
    ...cells.map((cell) => cell(item)),
  ]);
  return `${table(headings, rows)}\n`;
}

/** Those of its kind that narrow tables have too, and its age. */
function columnsOf(resource: Resource): readonly Column[] {
  const all = kindOf(resource)?.columns ?? [];
  const shown = all.filter(({ priority = 0 }) => priority === 0);
  return shown.some(({ type }) => type === 'date') ? shown : [...shown, ageColumn];
}

function age(text: string): string {
  const bornMs = Date.parse(text);
  return Number.isNaN(bornMs) ? '' : formatDuration(Math.max(0, Date.now() - bornMs));
}
