import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import { ApiError } from '../../apiclient/api-error.ts';
import type { ApiObject } from '../../apiclient/api-object.ts';
import { type ApiResource, discover, objectText, pathOf } from '../../apiclient/discovery.ts';
import { type ManifestObject, manifestObjects } from '../../apiclient/manifest-objects.ts';
import { threeWayPatch } from '../../apiclient/three-way-patch.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { type NamespaceOptions, namespaceOf, withNamespace } from './namespace-options.ts';
import { shownObject, yamlText } from './object-format.ts';
import { resourceTargets } from './resource-arguments.ts';
import { validationOf, type WriteFlags } from './write-options.ts';

interface EditOptions extends AccessOptions, NamespaceOptions, WriteFlags {
  readonly subresource?: string;
}

/** `hauberk edit TYPE NAME`. */
export function editCommand(): Command {
  const command = new Command('edit')
    .description(
      'change a resource in an editor ($KUBE_EDITOR, $EDITOR, else vi); what the server refuses is opened again with the reason',
    )
    .argument('<type>', 'type or short name; or TYPE/NAME')
    .argument('[names...]', 'the resources')
    .option('--field-manager <name>', 'who is noted as the owner of the fields', 'kubectl-edit')
    .option(
      '--validate [how]',
      'strict, warn or ignore fields that the kind does not have',
      'strict',
    )
    .addOption(new Option('--subresource <name>', 'edit this').choices(['status']));
  return withExamples(
    withAccess(withNamespace(command)).action(
      (type: string, names: readonly string[], options: EditOptions) =>
        withClient(options, (client) => edit(client, [type, ...names], options)),
    ),
    'hauberk edit peerauthentication default -n shop',
    'KUBE_EDITOR=nano hauberk edit destinationrule/reviews -n shop',
  );
}

async function edit(
  client: ApiClient,
  words: readonly string[],
  options: EditOptions,
): Promise<void> {
  const targets = resourceTargets(words, await discover(client));
  const namespace = namespaceOf(options, client);
  for (const { resource, name } of targets) {
    if (name === undefined) throw new MeshError('ERR_USAGE', 'name the resource to edit');
    const path = pathOf(resource, { namespace, name });
    const before = shownObject(await client.json<ApiObject>({ path }));
    await editOne(client, { resource, path, before }, options);
  }
}

interface Edited {
  readonly resource: ApiResource;
  readonly path: string;
  readonly before: ApiObject;
}

const HELP = [
  'Change what is below and save it. Lines that begin with # are left out; an empty file changes',
  'nothing. If it cannot be stored, it is opened again with the reason.',
];

async function editOne(client: ApiClient, edited: Edited, options: EditOptions): Promise<void> {
  const { resource, before } = edited;
  const directory = mkdtempSync(join(scratch(), 'hauberk-edit-'));
  const file = join(directory, `${resource.kind.toLowerCase()}-${before.metadata.name}.yaml`);
  let text = commented(HELP) + yamlText(before);
  let refusal: string | undefined;
  try {
    for (;;) {
      writeFileSync(file, text, { mode: 0o600 });
      runEditor(file);
      const saved = readFileSync(file, 'utf8');
      if (body(saved) === body(text) || body(saved).trim() === '') {
        return unchanged(edited, refusal);
      }
      const outcome = await store(client, edited, { saved, options });
      if (outcome.done) return;
      refusal = outcome.refusal;
      text = commented([refusal, '', ...HELP]) + body(saved);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function unchanged({ resource, before }: Edited, refusal: string | undefined): void {
  const text = objectText(resource, before.metadata.name);
  if (refusal === undefined) {
    process.stderr.write('Edit cancelled, no changes made.\n');
    return;
  }
  throw new MeshError('ERR_RESOURCE', `${text} was not changed: ${refusal}`);
}

type Outcome = { readonly done: true } | { readonly done: false; readonly refusal: string };

async function store(
  client: ApiClient,
  { resource, path, before }: Edited,
  { saved, options }: { readonly saved: string; readonly options: EditOptions },
): Promise<Outcome> {
  const text = objectText(resource, before.metadata.name);
  try {
    const [document, ...others] = manifestObjects({ text: saved, source: 'edited' });
    if (document === undefined || others.length > 0) {
      return { done: false, refusal: 'keep it one object' };
    }
    const moved = movedProblem(before, document);
    if (moved !== undefined) return { done: false, refusal: moved };
    const states = { original: before, modified: document.object, current: before };
    const patch = threeWayPatch(states);
    if (patch === undefined) {
      process.stderr.write('Edit cancelled, no changes made.\n');
      return { done: true };
    }
    await client.json({
      method: 'PATCH',
      path: options.subresource === undefined ? path : `${path}/${options.subresource}`,
      query: {
        fieldManager: options.fieldManager ?? 'kubectl-edit',
        fieldValidation: validationOf(options),
      },
      body: patch,
      contentType: 'application/merge-patch+json',
    });
    process.stdout.write(`${text} edited\n`);
    return { done: true };
  } catch (error) {
    const again = error instanceof ApiError || MeshError.is(error, 'ERR_RESOURCE');
    const pointless = ApiError.because(error, 'Forbidden') || ApiError.because(error, 'NotFound');
    if (!again || pointless) throw error;
    return { done: false, refusal: messageOf(error) };
  }
}

function movedProblem(before: ApiObject, { object }: ManifestObject): string | undefined {
  const same =
    object.apiVersion === before.apiVersion &&
    object.kind === before.kind &&
    object.metadata.name === before.metadata.name &&
    object.metadata.namespace === before.metadata.namespace;
  return same ? undefined : 'apiVersion, kind, name and namespace cannot be changed';
}

function runEditor(file: string): void {
  const editor = process.env['KUBE_EDITOR'] || process.env['EDITOR'] || 'vi';
  // As a shell reads it, since people write EDITOR='code --wait'.
  const args = ['-c', `${editor} "$1"`, editor, file];
  const { status, error } = spawnSync('/bin/sh', args, { stdio: 'inherit' });
  if (error === undefined && status === 0) return;
  throw new MeshError(
    'ERR_UNREACHABLE',
    `the editor "${editor}" ended with ${error?.message ?? `status ${status}`}; nothing was changed. Set KUBE_EDITOR or EDITOR to another`,
  );
}

/** Memory before disk: what is edited may be a Secret. */
function scratch(): string {
  const { XDG_RUNTIME_DIR } = process.env;
  const places = [XDG_RUNTIME_DIR, '/dev/shm'].filter((place) => place !== undefined);
  return places.find((place) => existsSync(place)) ?? tmpdir();
}

function commented(lines: readonly string[]): string {
  return lines
    .flatMap((line) => line.split('\n'))
    .map((line) => `# ${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}

/** Without the comments at the beginning, which are ours. */
function body(text: string): string {
  return text.replace(/^(?:#[^\n]*(?:\n|$))+/, '');
}
