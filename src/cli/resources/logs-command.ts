import { Command } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import type { ApiObject } from '../../apiclient/api-object.ts';
import { type ApiResource, discover, pathOf } from '../../apiclient/discovery.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { listObjects } from './list-objects.ts';
import { type NamespaceOptions, namespaceOf, withNamespace } from './namespace-options.ts';
import { resourceTargets } from './resource-arguments.ts';

interface LogsOptions extends AccessOptions, NamespaceOptions {
  readonly selector?: string;
  readonly follow?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly sinceTime?: string;
  readonly timestamps?: boolean;
  readonly prefix?: boolean;
  readonly previous?: boolean;
  readonly limitBytes?: string;
  readonly container?: string;
  readonly allContainers?: boolean;
  readonly maxLogRequests: string;
}

/** As kubectl: of several pods the last lines only, unless more are asked for. */
const TAIL_OF_SEVERAL = '10';

/** `hauberk logs POD`, `hauberk logs -l LABELS`. */
export function logsCommand(): Command {
  const command = new Command('logs')
    .description('what the processes of the mesh have logged')
    .argument('[pod]', 'a pod, or TYPE/NAME of something that selects pods')
    .argument('[container]', 'one container of it')
    .option('-l, --selector <labels>', 'the pods with these labels')
    .option('-f, --follow', 'go on and show what is logged from now on')
    .option('--tail <lines>', 'only the last lines; -1 for all')
    .option('--since <duration>', 'only what is newer: 10m')
    .option('--since-time <time>', 'only what is newer, RFC 3339')
    .option('--timestamps', 'each line with its time')
    .option('--prefix', 'each line with its pod')
    .option('-p, --previous', 'of the process before')
    .option('--limit-bytes <count>', 'at most so much')
    .option('-c, --container <name>', 'one container of the pod')
    .option('--all-containers', 'all containers of the pods')
    .option('--max-log-requests <count>', 'with -f: how many pods at once at most', '5');
  return withExamples(
    withAccess(withNamespace(command)).action(
      (pod: string | undefined, container: string | undefined, options: LogsOptions) =>
        withClient(options, (client) =>
          logs(client, pod, container === undefined ? options : { ...options, container }),
        ),
    ),
    'hauberk logs -n istio-system -l app=istiod',
    'hauberk logs -n istio-system deploy/istiod -f --since 10m',
  );
}

interface Stream {
  readonly pod: ApiObject;
  readonly container: string | undefined;
}

async function logs(
  client: ApiClient,
  word: string | undefined,
  options: LogsOptions,
): Promise<void> {
  const discovery = await discover(client);
  const pods = discovery.require('pods');
  const found = await podsOf(client, { word, pods, discovery }, options);
  const streams = found.flatMap((pod) => streamsOf(pod, options));
  const most = Number(options.maxLogRequests);
  if (options.follow === true && streams.length > most) {
    throw new MeshError(
      'ERR_USAGE',
      `you are attempting to follow ${streams.length} log streams, but maximum allowed concurrency is ${most}; use --max-log-requests to increase the limit`,
    );
  }
  if (streams.length === 0) process.stderr.write('No resources found\n');
  await untilInterrupted(async (signal) => {
    const show = (stream: Stream): Promise<void> => copy(client, { pods, stream, signal }, options);
    if (options.follow === true) await Promise.all(streams.map(show));
    else for (const stream of streams) await show(stream);
  });
}

async function podsOf(
  client: ApiClient,
  {
    word,
    pods,
    discovery,
  }: {
    readonly word: string | undefined;
    readonly pods: ApiResource;
    readonly discovery: Awaited<ReturnType<typeof discover>>;
  },
  options: LogsOptions,
): Promise<readonly ApiObject[]> {
  const namespace = namespaceOf(options, client);
  if (word === undefined) {
    if (options.selector !== undefined)
      return listObjects(client, pods, { namespace, selector: options.selector });
    throw new MeshError('ERR_USAGE', 'name a pod, or give -l LABELS');
  }
  const words = word.includes('/') ? [word] : ['pods', word];
  const [target] = resourceTargets(words, discovery);
  if (target?.name === undefined) throw new MeshError('ERR_USAGE', `"${word}" names no pod`);
  const path = pathOf(target.resource, { namespace, name: target.name });
  const object = await client.json<ApiObject>({ path });
  if (target.resource === pods) return [object];
  return listObjects(client, pods, { namespace, selector: selectorIn(object) });
}

/** The labels by which a Deployment or a Service selects its pods. */
function selectorIn({ kind, spec, metadata }: ApiObject): string {
  const { selector } = (spec ?? {}) as { readonly selector?: unknown };
  const { matchLabels } = (selector ?? {}) as { readonly matchLabels?: unknown };
  const labels = matchLabels ?? selector;
  if (typeof labels === 'object' && labels !== null && Object.keys(labels).length > 0) {
    return Object.entries(labels)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(',');
  }
  throw new MeshError('ERR_USAGE', `${kind} "${metadata.name}" selects no pods`);
}

function streamsOf(pod: ApiObject, { container, allContainers }: LogsOptions): readonly Stream[] {
  const { containers = [] } = (pod['spec'] ?? {}) as {
    readonly containers?: readonly { readonly name: string }[];
  };
  if (allContainers === true) return containers.map(({ name }) => ({ pod, container: name }));
  return [{ pod, container: container ?? containers[0]?.name }];
}

async function copy(
  client: ApiClient,
  {
    pods,
    stream: { pod, container },
    signal,
  }: { readonly pods: ApiResource; readonly stream: Stream; readonly signal: AbortSignal },
  options: LogsOptions,
): Promise<void> {
  const { name, namespace } = pod.metadata;
  const call = {
    path: pathOf(pods, { namespace, name, subresource: 'log' }),
    query: { ...queryOf(options), container },
    accept: '*/*',
    signal,
  };
  if (options.prefix !== true) {
    for await (const chunk of client.chunks(call)) await written(chunk);
    return;
  }
  const prefix = `[pod/${name}${container === undefined ? '' : `/${container}`}] `;
  for await (const line of client.lines(call)) await written(`${prefix}${line}\n`);
}

function queryOf(options: LogsOptions) {
  const { selector, follow, since, sinceTime, timestamps, previous, limitBytes } = options;
  const several = selector !== undefined && follow !== true;
  const { tail = several ? TAIL_OF_SEVERAL : '-1' } = options;
  if (!/^-?\d{1,9}$/.test(tail)) throw new MeshError('ERR_USAGE', `--tail "${tail}" is no number`);
  return {
    follow: follow === true ? true : undefined,
    tailLines: Number(tail) < 0 ? undefined : tail,
    sinceSeconds: since === undefined ? undefined : Math.ceil(parseDuration(since) / 1_000),
    sinceTime,
    timestamps,
    previous,
    limitBytes,
  };
}

/** Waits until whoever reads standard output has taken it. */
async function written(text: string | Buffer): Promise<void> {
  if (process.stdout.write(text)) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}
