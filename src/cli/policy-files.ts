import { closeSync, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { MeshError, messageOf } from '../lib/errors.ts';
import { parseManifest } from '../resources/parse-manifest.ts';
import type { Resource } from '../resources/resource.ts';

/** A file's name, or `-`, and what stands in it. */
interface SourceText {
  readonly source: string;
  readonly text: string;
}

const LARGEST_BYTES = 1024 * 1024;
const MOST_FILES = 10_000;
const MANIFESTS = ['.json', '.yaml', '.yml'];

/**
 * The manifests that `-f` names: files, directories with those below them, `-` for standard input.
 *
 * @throws {MeshError} ERR_USAGE for what cannot be read or is too large.
 */
function policyTexts(names: readonly string[]): readonly SourceText[] {
  return names
    .flatMap(filesOf)
    .map((source) => ({ source, text: readText(source, LARGEST_BYTES) }));
}

/**
 * The resources in them; a file with a mistake is refused whole.
 *
 * @throws {MeshError} ERR_USAGE, a line for each mistake.
 */
export function policyResources(names: readonly string[], namespace: string): readonly Resource[] {
  return policyTexts(names).flatMap(({ source, text }) => {
    try {
      const documents = parseManifest(text, { source, defaultNamespace: namespace });
      return documents.map(({ resource }) => resource);
    } catch (error) {
      // exit code 1 would say "denied"
      if (!MeshError.is(error)) throw error;
      throw new MeshError('ERR_USAGE', error.message, { cause: error });
    }
  });
}

/** What stands in a file of at most `largest` bytes, or comes from standard input. */
export function readText(file: string, largest: number): string {
  try {
    const descriptor = file === '-' ? 0 : openSync(file, 'r');
    try {
      refuseLarge(file, fstatSync(descriptor).size, largest);
      const text = readFileSync(descriptor, 'utf8');
      refuseLarge(file, Buffer.byteLength(text), largest);
      return text;
    } finally {
      if (file !== '-') closeSync(descriptor);
    }
  } catch (error) {
    if (MeshError.is(error)) throw error;
    throw new MeshError('ERR_USAGE', `cannot read "${file}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function refuseLarge(file: string, bytes: number, largest: number): void {
  if (bytes <= largest) return;
  throw new MeshError(
    'ERR_USAGE',
    `${file}: the file has ${bytes} bytes, at most ${largest} are read; split it`,
  );
}

function filesOf(path: string): readonly string[] {
  if (path === '-' || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  const files = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && MANIFESTS.includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (files.length > MOST_FILES) {
    throw new MeshError(
      'ERR_USAGE',
      `the directory "${path}" holds more than ${MOST_FILES} manifests`,
    );
  }
  if (files.length > 0) return files;
  throw new MeshError('ERR_USAGE', `the directory "${path}" holds no .yaml, .yml or .json file`);
}
