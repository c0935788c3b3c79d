import { Command, Option } from 'commander';
import { ApiError } from '../../apiclient/api-error.ts';
import {
  type AppliedObject,
  type ApplyManifestOptions,
  applyManifests,
} from '../../apiclient/apply-manifest.ts';
import { objectText } from '../../apiclient/discovery.ts';
import { MeshError } from '../../lib/errors.ts';
import { clientOf, withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { progressOn } from '../progress.ts';
import { manifestTexts } from './manifest-files.ts';
import { type NamespaceOptions, withNamespace } from './namespace-options.ts';
import { listOf, type ObjectFormat, objectFormatArgument, shownObject } from './object-format.ts';
import { dryRunText, validationOf, type WriteFlags, withWriteFlags } from './write-options.ts';

interface ApplyOptions extends AccessOptions, NamespaceOptions, WriteFlags {
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly serverSide?: boolean;
  readonly forceConflicts?: boolean;
  readonly preflight: boolean;
  readonly output?: ObjectFormat;
}

/** `hauberk apply -f FILE`: with several objects, all are judged before the first is stored. */
export function applyCommand(): Command {
  const command = new Command('apply')
    .description(
      'create or change resources from YAML or JSON; of several, none is stored while one has a mistake',
    )
    .requiredOption(
      '-f, --filename <file>',
      'file or directory, - for standard input; may be repeated',
      collect,
    )
    .option('-R, --recursive', 'look into the directories of a directory too')
    .option('--server-side', 'let the server merge, by who owns which field')
    .option('--force-conflicts', 'with --server-side: take fields that others own')
    .option('--no-preflight', 'store each object as soon as it is judged, as kubectl does')
    .addOption(outputOption());
  return withExamples(
    withAccess(withWriteFlags(withNamespace(command))).action(apply),
    'hauberk apply -f examples/shop/policies/strict.yaml',
    'hauberk apply -R -f manifests/ --dry-run=server',
    'hauberk apply --server-side --field-manager ci -f shop.yaml',
  );
}

function outputOption(): Option {
  return new Option(
    '-o, --output <format>',
    'json, yaml, name, jsonpath=…, custom-columns=… of what is stored now',
  ).argParser(objectFormatArgument);
}

/** As shells say of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

async function apply(options: ApplyOptions): Promise<void> {
  const { dryRun = 'none', fieldManager, serverSide = false, forceConflicts = false } = options;
  if (forceConflicts && !serverSide) {
    throw new MeshError('ERR_USAGE', '--force-conflicts goes with --server-side');
  }
  if (dryRun === 'client' && serverSide) {
    throw new MeshError(
      'ERR_USAGE',
      '--dry-run=client does not go with --server-side; use =server',
    );
  }
  const texts = manifestTexts(options.filename, options);
  const quiet = clientOf(options, { quiet: true });
  const progress = progressOn(process.stderr, { afterMs: 2_000 });
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once('SIGINT', stop);
  let done = 0;
  try {
    await withClient(options, async (client) => {
      progress.show('asking the server about every object');
      const request: ApplyManifestOptions = {
        ...{ dryRun, fieldManager, serverSide, force: forceConflicts, signal: stopped.signal },
        validation: validationOf(options),
        namespace: options.namespace ?? client.access.namespace ?? 'default',
        preflight: options.preflight && dryRun === 'none' ? quiet : false,
        applied: (result) => {
          done += 1;
          progress.clear();
          printLine(result, options);
          progress.show(`${done} applied`);
        },
      };
      const results = await explainConflicts(() => applyManifests(client, texts, request));
      progress.clear();
      printDocument(results, options);
    });
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    progress.clear();
    process.stderr.write(`stopped after ${done} objects; apply again to go on\n`);
    process.exitCode = INTERRUPTED;
  } finally {
    progress.clear();
    process.off('SIGINT', stop);
    quiet.close();
  }
}

function printLine({ resource, object, action }: AppliedObject, options: ApplyOptions): void {
  const text = objectText(resource, object.metadata.name);
  const format = options.output ?? { as: 'table' };
  if (format.as === 'name') process.stdout.write(`${text}\n`);
  if (format.as === 'table') process.stdout.write(`${text} ${action}${dryRunText(options)}\n`);
}

function printDocument(results: readonly AppliedObject[], { output }: ApplyOptions): void {
  const objects = results.map(({ object }) => shownObject(object));
  const [only] = objects;
  if (output?.as === 'document') {
    process.stdout.write(output.print(objects.length === 1 ? only : listOf(objects)));
  }
  if (output?.as === 'columns') process.stdout.write(output.print(objects));
}

/** @throws {MeshError} ERR_CONFLICT with what to do. */
async function explainConflicts<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const refusal = error instanceof Error ? error.cause : undefined;
    const conflicts = ApiError.because(refusal, 'Conflict') ? refusal.status.details.causes : [];
    if (!conflicts?.some(({ reason }) => reason === 'FieldManagerConflict')) {
      throw error;
    }
    const lines = conflicts.map(({ field, message }) => `  ${field}: ${message}`);
    throw new MeshError(
      'ERR_CONFLICT',
      [
        error instanceof Error ? error.message : '',
        ...lines,
        'take these fields with --force-conflicts, or leave them out of the file, or write in it what they are now',
      ].join('\n'),
      { cause: error },
    );
  }
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
