import { table } from '../output.ts';

/** Kubernetes' meta.k8s.io Table, as the server makes it of objects. */
export interface ApiTable {
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string };
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority?: number }[];
  readonly rows?: readonly ApiTableRow[];
}

export interface ApiTableRow {
  readonly cells: readonly unknown[];
  readonly object?: {
    readonly metadata?: {
      readonly name?: string;
      readonly namespace?: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly resourceVersion?: string;
    };
  };
}

/** What the server is asked to answer a list with. */
export const TABLE_ACCEPT = [
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=Table;v=v1beta1;g=meta.k8s.io',
  'application/json',
].join(',');

export interface TableStyle {
  readonly wide: boolean;
  readonly headings: boolean;
  /** Namespaces in a first column. */
  readonly namespaces: boolean;
  /** Put before the names: `service/`. */
  readonly prefix: string;
  readonly showLabels: boolean;
  readonly labelColumns: readonly string[];
}

/** Rows of one kind as text, columns aligned. */
export function printedTable(
  { columnDefinitions = [] }: Pick<ApiTable, 'columnDefinitions'>,
  rows: readonly ApiTableRow[],
  style: TableStyle,
): string {
  const shown = columnDefinitions
    .map(({ name, priority = 0 }, at) => ({ name, priority, at }))
    .filter(({ priority }) => style.wide || priority === 0);
  const headings = [
    ...(style.namespaces ? ['NAMESPACE'] : []),
    ...shown.map(({ name }) => name.toUpperCase()),
    ...style.labelColumns.map((label) => (label.split('/').at(-1) ?? '').toUpperCase()),
    ...(style.showLabels ? ['LABELS'] : []),
  ];
  const cells = rows.map(({ cells: all, object }) => {
    const { namespace = '', labels = {} } = object?.metadata ?? {};
    return [
      ...(style.namespaces ? [namespace] : []),
      ...shown.map(({ at, name }) =>
        name.toLowerCase() === 'name' ? style.prefix + cellText(all[at]) : cellText(all[at]),
      ),
      ...style.labelColumns.map((label) => labels[label] ?? ''),
      ...(style.showLabels ? [labelsText(labels)] : []),
    ];
  });
  return table(style.headings ? headings : undefined, cells);
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '<none>';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  // What an object says may not move the cursor of a terminal.
  return text.replaceAll(/\p{Cc}/gu, (sign) => JSON.stringify(sign).slice(1, -1));
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.join(',');
}
