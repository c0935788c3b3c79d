import { MeshError } from '../lib/errors.ts';
import { type ExaminedDocument, examineManifest } from '../resources/examine-manifest.ts';
import { policyTexts } from './policy-files.ts';

/** A file with each of its documents judged by itself. */
export interface ExaminedFile {
  readonly source: string;
  readonly documents: readonly ExaminedDocument[];
}

/**
 * The files that people name, whatever is wrong in them.
 *
 * @throws {MeshError} ERR_USAGE for those that cannot be read, and where none is named.
 */
export function examineFiles(
  names: readonly string[],
  defaultNamespace: string,
): readonly ExaminedFile[] {
  if (names.length === 0) throw new MeshError('ERR_USAGE', 'name files or directories with -f');
  return policyTexts(names).map(({ source, text }) => ({
    source,
    documents: examineManifest(text, { defaultNamespace }),
  }));
}
