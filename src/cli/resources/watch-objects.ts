import type { ApiClient } from '../../apiclient/api-client.ts';
import type { ApiList, ApiObject } from '../../apiclient/api-object.ts';
import { objectText, pathOf } from '../../apiclient/discovery.ts';
import { watchEvents } from '../../apiclient/watch-events.ts';
import { MeshError } from '../../lib/errors.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { type GetOptions, type GetTarget, tableStyle } from './get-options.ts';
import { listPages } from './list-pages.ts';
import { shownObject } from './object-format.ts';
import { type ApiTable, printedTable, TABLE_ACCEPT } from './printed-table.ts';

/** Shows what is there, unless only changes are wanted, and then every change until Ctrl-C. */
export async function watchObjects(
  client: ApiClient,
  targets: readonly GetTarget[],
  options: GetOptions,
): Promise<void> {
  const [target, ...others] = targets;
  if (target === undefined || others.length > 0) {
    throw new MeshError('ERR_USAGE', '-w watches one type of resource, or one object of it');
  }
  await untilInterrupted((signal) =>
    options.output.as === 'table'
      ? watchTable(client, target, { options, signal })
      : watchWhole(client, target, { options, signal }),
  );
}

interface Watching {
  readonly options: GetOptions;
  readonly signal: AbortSignal;
}

function selectionOf({ name }: GetTarget, options: GetOptions) {
  const { selector, fieldSelector } = options;
  return {
    selector,
    fieldSelector: name === undefined ? fieldSelector : `metadata.name=${name}`,
  };
}

async function watchTable(
  client: ApiClient,
  target: GetTarget,
  { options, signal }: Watching,
): Promise<void> {
  const { resource, namespace } = target;
  const selection = { ...options, ...selectionOf(target, options), namespace };
  const style = tableStyle(resource, options, false);
  const list = async (): Promise<string> => {
    let version = '';
    for await (const page of listPages<ApiTable>(client, resource, {
      ...selection,
      accept: TABLE_ACCEPT,
    })) {
      version = page.metadata?.resourceVersion ?? version;
      if (options.watchOnly === true) continue;
      for (const row of page.rows ?? []) show(page, row, 'ADDED');
    }
    return version;
  };
  let headed = !options.headers;
  let columns: ApiTable['columnDefinitions'];
  const show = (page: ApiTable, row: NonNullable<ApiTable['rows']>[number], type: string): void => {
    columns = page.columnDefinitions ?? columns;
    const headings = !headed;
    const text = printedTable({ ...(columns && { columnDefinitions: columns }) }, [row], {
      ...style,
      headings,
    });
    headed = true;
    const mark = options.outputWatchEvents === true;
    const lines = text.split('\n').map((line, at) => {
      if (!mark) return line;
      return `${(headings && at === 0 ? 'EVENT' : type).padEnd(11)}${line}`;
    });
    process.stdout.write(`${lines.join('\n')}\n`);
  };
  const events = watchEvents<ApiTable>(client, {
    ...{ path: pathOf(resource, { namespace }), accept: TABLE_ACCEPT, signal, list },
    query: { labelSelector: selection.selector, fieldSelector: selection.fieldSelector },
    versionOf: ({ rows, metadata }) =>
      rows?.[0]?.object?.metadata?.resourceVersion ?? metadata?.resourceVersion,
  });
  for await (const { type, object } of events) {
    for (const row of object.rows ?? []) show(object, row, type);
  }
}

async function watchWhole(
  client: ApiClient,
  target: GetTarget,
  { options, signal }: Watching,
): Promise<void> {
  const { resource, namespace } = target;
  const selection = { ...options, ...selectionOf(target, options), namespace };
  const show = (type: string, object: ApiObject): void => {
    const shown = shownObject(object, options.showManagedFields);
    const whole = options.outputWatchEvents === true ? { type, object: shown } : shown;
    process.stdout.write(wholeText(whole, shown));
  };
  const wholeText = (whole: unknown, object: ApiObject): string => {
    switch (options.output.as) {
      case 'document':
        return options.output.print(whole);
      case 'columns':
        return options.output.print([object], false);
      default:
        return `${objectText(resource, object.metadata.name)}\n`;
    }
  };
  const list = async (): Promise<string> => {
    let version = '';
    for await (const page of listPages<ApiList>(client, resource, selection)) {
      version = page.metadata?.resourceVersion ?? version;
      if (options.watchOnly !== true) for (const item of page.items ?? []) show('ADDED', item);
    }
    return version;
  };
  const events = watchEvents<ApiObject>(client, {
    ...{ path: pathOf(resource, { namespace }), signal, list },
    query: { labelSelector: selection.selector, fieldSelector: selection.fieldSelector },
    versionOf: ({ metadata }) => metadata.resourceVersion,
  });
  for await (const { type, object } of events) show(type, object);
}
