import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { callAdmin } from '../app/admin-client.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { parseManifest } from '../resources/parse-manifest.ts';
import { type ChangeLine, changeLines } from './change-lines.ts';
import {
  type CommonOptions,
  dataDirOf,
  dataDirOption,
  outputOption,
  withExamples,
} from './options.ts';
import { print } from './output.ts';

interface ApplyOptions extends CommonOptions {
  readonly filename: readonly string[];
  readonly namespace: string;
}

const LARGEST_FILE_BYTES = 1024 * 1024;

/** `hauberk apply -f FILE`: each file is applied whole or not at all. */
export function applyCommand(): Command {
  const command = new Command('apply')
    .description(
      'create or change resources from YAML or JSON files; a file with a mistake changes nothing',
    )
    .requiredOption(
      '-f, --filename <file>',
      'file or directory to apply, - for standard input; may be repeated',
      collect,
    )
    .option('-n, --namespace <name>', 'namespace of documents that name none', 'default')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (options: ApplyOptions) => {
      const files = options.filename
        .flatMap(manifestFiles)
        .map((file) => ({ source: file, manifest: readManifest(file) }));
      // All files are judged before the first is sent, so that a typing mistake in the last one
      // does not leave the first ones applied.
      for (const { source, manifest } of files) {
        parseManifest(manifest, { source, defaultNamespace: options.namespace });
      }
      const changes: ChangeLine[] = [];
      for (const { source, manifest } of files) {
        const body = { source, manifest, namespace: options.namespace };
        const call = { method: 'POST', path: '/v1/apply', body } as const;
        changes.push(
          ...(await callAdmin<{ changes: ChangeLine[] }>(dataDirOf(options), call)).changes,
        );
      }
      print(options.output ?? 'text', { changes }, () => changeLines(changes));
    });
  return withExamples(command, 'hauberk apply -f examples/shop/policies/strict.yaml');
}

/** The manifests of a directory in the order of their names; any other path is one. */
function manifestFiles(path: string): readonly string[] {
  if (path === '-' || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  const files = readdirSync(path).filter((name) => /\.(ya?ml|json)$/.test(name));
  if (files.length === 0) {
    throw new MeshError('ERR_USAGE', `the directory "${path}" holds no .yaml, .yml or .json file`);
  }
  return files.sort().map((name) => join(path, name));
}

function readManifest(file: string): string {
  const path = file === '-' ? 0 : file;
  try {
    if (path !== 0 && statSync(path).size > LARGEST_FILE_BYTES) {
      throw new MeshError(
        'ERR_RESOURCE',
        `${file}: the file has ${statSync(path).size} bytes, at most ${LARGEST_FILE_BYTES} are read; split it`,
      );
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (MeshError.is(error)) throw error;
    throw new MeshError('ERR_USAGE', `cannot read "${file}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
