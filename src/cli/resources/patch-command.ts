import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { parse } from 'yaml';
import type { ApiClient } from '../../apiclient/api-client.ts';
import { ApiError } from '../../apiclient/api-error.ts';
import type { ApiObject } from '../../apiclient/api-object.ts';
import { isKubernetesOwn } from '../../apiclient/apply-object.ts';
import { type ApiResource, discover, objectText, pathOf } from '../../apiclient/discovery.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { type NamespaceOptions, namespaceOf, withNamespace } from './namespace-options.ts';
import { type ObjectFormat, objectFormatArgument, shownObject } from './object-format.ts';
import { resourceTargets } from './resource-arguments.ts';
import { dryRunText, type WriteFlags, withWriteFlags } from './write-options.ts';

interface PatchOptions extends AccessOptions, NamespaceOptions, WriteFlags {
  readonly type?: 'json' | 'merge' | 'strategic';
  readonly patch?: string;
  readonly patchFile?: string;
  readonly subresource?: string;
  readonly output?: ObjectFormat;
}

const CONTENT_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/** `hauberk patch TYPE NAME -p PATCH`. */
export function patchCommand(): Command {
  const command = new Command('patch')
    .description('change fields of a resource')
    .argument('<type>', 'type or short name; or TYPE/NAME')
    .argument('[names...]', 'the resource')
    .option('-p, --patch <patch>', 'the change, as JSON or YAML')
    .option('--patch-file <file>', 'the change, in a file')
    .addOption(
      new Option(
        '--type <type>',
        'merge: fields that replace; json: a list of operations (default: strategic for Kubernetes’ own kinds, merge for others)',
      ).choices(['json', 'merge', 'strategic']),
    )
    .addOption(new Option('--subresource <name>', 'patch this').choices(['status', 'scale']))
    .addOption(
      new Option('-o, --output <format>', 'json, yaml, name, … of the result').argParser(
        objectFormatArgument,
      ),
    );
  return withExamples(
    withAccess(withWriteFlags(withNamespace(command))).action(
      (type: string, names: readonly string[], options: PatchOptions) =>
        withClient(options, (client) => patch(client, [type, ...names], options)),
    ),
    `hauberk patch pa default -n shop --type merge -p '{"spec":{"mtls":{"mode":"STRICT"}}}'`,
    `hauberk patch dr reviews -n shop --type json -p '[{"op":"replace","path":"/spec/trafficPolicy/tls/mode","value":"DISABLE"}]'`,
  );
}

async function patch(
  client: ApiClient,
  words: readonly string[],
  options: PatchOptions,
): Promise<void> {
  const body = changeOf(options);
  const targets = resourceTargets(words, await discover(client));
  const namespace = namespaceOf(options, client);
  for (const { resource, name } of targets) {
    if (name === undefined) throw new MeshError('ERR_USAGE', 'name the resource to patch');
    const path = pathOf(resource, { namespace, name });
    const before = await client.json<ApiObject>({ path });
    const after = await patched(client, { resource, path, body }, options);
    const same = before.metadata.resourceVersion === after.metadata.resourceVersion;
    printResult(resource, after, { ...options, same });
  }
}

async function patched(
  client: ApiClient,
  {
    resource,
    path,
    body,
  }: { readonly resource: ApiResource; readonly path: string; readonly body: unknown },
  options: PatchOptions,
): Promise<ApiObject> {
  const { dryRun = 'none', fieldManager, subresource } = options;
  const { type = isKubernetesOwn(resource.group) ? 'strategic' : 'merge' } = options;
  try {
    return await client.json<ApiObject>({
      method: 'PATCH',
      path: subresource === undefined ? path : `${path}/${subresource}`,
      // What a patch comes to is the server's to say, so that "client" asks it too.
      query: {
        fieldManager: fieldManager ?? 'kubectl-patch',
        dryRun: dryRun === 'none' ? undefined : 'All',
      },
      body,
      contentType: CONTENT_TYPES[type],
    });
  } catch (error) {
    if (!ApiError.because(error, 'UnsupportedMediaType')) throw error;
    throw new MeshError(
      'ERR_USAGE',
      `${CONTENT_TYPES[type]} is not supported by ${resource.kind}; give --type merge or --type json`,
      { cause: error },
    );
  }
}

function printResult(
  resource: ApiResource,
  object: ApiObject,
  { output, same, ...options }: PatchOptions & { readonly same: boolean },
): void {
  const text = objectText(resource, object.metadata.name);
  if (output?.as === 'document') process.stdout.write(output.print(shownObject(object)));
  else if (output?.as === 'columns') process.stdout.write(output.print([object]));
  else if (output?.as === 'name') process.stdout.write(`${text}\n`);
  else {
    const unchanged = same && (options.dryRun ?? 'none') === 'none';
    const done = unchanged ? 'patched (no change)' : 'patched';
    process.stdout.write(`${text} ${done}${dryRunText(options)}\n`);
  }
}

function changeOf({ patch: text, patchFile }: PatchOptions): unknown {
  if ((text === undefined) === (patchFile === undefined)) {
    throw new MeshError('ERR_USAGE', 'give the change with -p PATCH or --patch-file FILE');
  }
  const written = text ?? readFile(patchFile ?? '');
  try {
    return parse(written, { version: '1.1', maxAliasCount: 100, logLevel: 'error' });
  } catch (cause) {
    throw new MeshError('ERR_USAGE', `the patch is neither JSON nor YAML: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    throw new MeshError('ERR_USAGE', `cannot read "${path}": ${messageOf(cause)}`, { cause });
  }
}
