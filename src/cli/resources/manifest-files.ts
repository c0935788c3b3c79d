import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { ManifestText } from '../../apiclient/manifest-objects.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';

const LARGEST_FILE_BYTES = 1024 * 1024;
const MOST_FILES = 10_000;
const EXTENSIONS = ['.json', '.yaml', '.yml'];

/**
 * What `-f` names: files, directories (with `recursive` also what is in theirs), `-` for standard input.
 *
 * @throws {MeshError} ERR_USAGE for what cannot be read, ERR_RESOURCE for what is too large.
 */
export function manifestTexts(
  names: readonly string[],
  { recursive = false }: { readonly recursive?: boolean } = {},
): readonly ManifestText[] {
  return names
    .flatMap((name) => manifestFiles(name, recursive))
    .map((source) => ({ source, text: readManifest(source) }));
}

/** The manifests of a directory in the order of their names; any other path is one. */
function manifestFiles(path: string, recursive: boolean): readonly string[] {
  if (/^https?:\/\//.test(path)) {
    throw new MeshError(
      'ERR_USAGE',
      `"${path}" is a URL: fetch and read it first, then give the file (curl -O, or a pipe to -f -)`,
    );
  }
  if (path === '-' || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  const files = readdirSync(path, { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((name) => EXTENSIONS.includes(extname(name)))
    .sort();
  if (files.length > MOST_FILES) {
    throw new MeshError(
      'ERR_USAGE',
      `the directory "${path}" holds more than ${MOST_FILES} manifests`,
    );
  }
  if (files.length > 0) return files;
  throw new MeshError(
    'ERR_USAGE',
    `the directory "${path}" holds no .yaml, .yml or .json file${recursive ? '' : '; -R looks into its directories too'}`,
  );
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
