import { type ExaminedDocument, examineManifest } from '../../resources/examine-manifest.ts';
import { manifestTexts } from '../resources/manifest-files.ts';

/** A file with each of its documents judged by itself. */
export interface ExaminedFile {
  readonly source: string;
  readonly documents: readonly ExaminedDocument[];
}

/**
 * The files that people name, whatever is wrong in them.
 *
 * @throws {MeshError} ERR_USAGE for those that cannot be read.
 */
export function examineFiles(
  names: readonly string[],
  defaultNamespace: string,
): readonly ExaminedFile[] {
  return manifestTexts(names, { recursive: true }).map(({ source, text }) => ({
    source,
    documents: examineManifest(text, { defaultNamespace }),
  }));
}
