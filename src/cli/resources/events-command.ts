import { Command, Option } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import type { ApiList, ApiObject } from '../../apiclient/api-object.ts';
import { discover, pathOf } from '../../apiclient/discovery.ts';
import { watchEvents } from '../../apiclient/watch-events.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { table } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { type EventText, eventText } from './event-text.ts';
import { listPages } from './list-pages.ts';
import { type NamespaceOptions, namespaceOf, withNamespace } from './namespace-options.ts';
import { listOf, type ObjectFormat, objectFormatArgument } from './object-format.ts';
import { resourceTargets } from './resource-arguments.ts';

interface EventsOptions extends AccessOptions, NamespaceOptions {
  readonly for?: string;
  readonly types?: string;
  readonly watch?: boolean;
  readonly headers: boolean;
  readonly output?: ObjectFormat;
}

/** `hauberk events`. */
export function eventsCommand(): Command {
  const command = new Command('events')
    .description('what happened to resources, the newest last')
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('--for <type/name>', 'only those about one resource')
    .option('--types <types>', 'only Normal or Warning')
    .option('-w, --watch', 'then go on and show what happens')
    .option('--no-headers', 'no headings')
    .addOption(
      new Option('-o, --output <format>', 'json, yaml, …').argParser(objectFormatArgument),
    );
  return withExamples(
    withAccess(withNamespace(command)).action((options: EventsOptions) =>
      withClient(options, (client) => events(client, options)),
    ),
    'hauberk events -n shop --for certificate/web',
    'hauberk events -A --types Warning --watch',
  );
}

async function events(client: ApiClient, options: EventsOptions): Promise<void> {
  const discovery = await discover(client);
  const resource = discovery.require('events');
  const namespace = namespaceOf(options, client);
  const [about] = options.for === undefined ? [] : resourceTargets([options.for], discovery);
  const fieldSelector =
    about === undefined
      ? undefined
      : `involvedObject.kind=${about.resource.kind},involvedObject.name=${about.name}`;
  const wanted = (event: ApiObject): boolean => isOfType(event, options.types);
  const list = async (): Promise<string> => {
    const found: ApiObject[] = [];
    let version = '';
    for await (const page of listPages<ApiList>(client, resource, { namespace, fieldSelector })) {
      found.push(...(page.items ?? []).filter(wanted));
      version = page.metadata?.resourceVersion ?? version;
    }
    show(found.toSorted(byTime), options);
    return version;
  };
  if (options.watch !== true) {
    await list();
    return;
  }
  await untilInterrupted(async (signal) => {
    const changes = watchEvents<ApiObject>(client, {
      ...{ path: pathOf(resource, { namespace }), query: { fieldSelector }, signal, list },
      versionOf: ({ metadata }) => metadata.resourceVersion,
    });
    for await (const { type, object } of changes) {
      if (type !== 'DELETED' && wanted(object)) show([object], { ...options, headers: false });
    }
  });
}

function isOfType({ type }: ApiObject, types: string | undefined): boolean {
  const wanted = types?.toLowerCase().split(',');
  return wanted === undefined || wanted.includes(String(type).toLowerCase());
}

function byTime(a: ApiObject, b: ApiObject): number {
  return eventText(a, 0).atMs - eventText(b, 0).atMs;
}

function show(found: readonly ApiObject[], options: EventsOptions): void {
  const { output, allNamespaces, headers } = options;
  if (output?.as === 'document') process.stdout.write(output.print(listOf(found)));
  else if (output?.as === 'columns') process.stdout.write(output.print(found, headers));
  else if (output?.as === 'name') {
    for (const { metadata } of found) process.stdout.write(`event/${metadata.name}\n`);
  } else if (found.length === 0) {
    if (headers) process.stderr.write('No events found\n');
  } else {
    const headings = ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];
    const rows = found.map((event) => {
      const { age, type, reason, object, message }: EventText = eventText(event, Date.now());
      const cells = [age, type, reason, object, message];
      return allNamespaces === true ? [event.metadata.namespace ?? '', ...cells] : cells;
    });
    const all = allNamespaces === true ? ['NAMESPACE', ...headings] : headings;
    process.stdout.write(`${table(headers ? all : undefined, rows)}\n`);
  }
}
