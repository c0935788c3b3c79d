import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { parseManifest } from '../../resources/parse-manifest.ts';
import type { Resource } from '../../resources/resource.ts';
import { manifestTexts } from '../resources/manifest-files.ts';

/**
 * The resources in the files that `-f` names, directories with those below them, `-` for standard input;
 * a file with a mistake is refused whole.
 *
 * @throws {MeshError} ERR_USAGE, a line for each mistake.
 */
export function policyResources(names: readonly string[], namespace: string): readonly Resource[] {
  try {
    return manifestTexts(names, { recursive: true }).flatMap(({ source, text }) => {
      const documents = parseManifest(text, { source, defaultNamespace: namespace });
      return documents.map(({ resource }) => resource);
    });
  } catch (error) {
    // exit code 1 would say "denied"
    if (!MeshError.is(error)) throw error;
    throw new MeshError('ERR_USAGE', error.message, { cause: error });
  }
}

/**
 * What stands in a file of at most `largest` bytes, or comes from standard input.
 *
 * @throws {MeshError} ERR_USAGE for what cannot be read or is too large.
 */
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
