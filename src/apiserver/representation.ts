import { parseAccept, takesJson } from './media-type.ts';
import { StatusError } from './status-error.ts';

/** The form in which objects are answered. */
export type Representation =
  | { readonly as: 'object' }
  | { readonly as: 'table'; readonly version: 'v1' | 'v1beta1' }
  | { readonly as: 'partial'; readonly version: 'v1' | 'v1beta1' };

const META = 'meta.k8s.io';

/**
 * The best form that the client takes and we have.
 *
 * @throws {StatusError} NotAcceptable, with the list of what there is.
 */
export function chooseRepresentation(accept: string | undefined): Representation {
  for (const range of parseAccept(accept)) {
    if (takesJson(range)) return { as: 'object' };
    const { type, subtype, parameters } = range;
    const { as, g, v } = parameters;
    if (type !== 'application' || subtype !== 'json' || g !== META) continue;
    if (v !== 'v1' && v !== 'v1beta1') continue;
    if (as === 'Table') return { as: 'table', version: v };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
      return { as: 'partial', version: v };
    }
  }
  throw notAcceptable(['application/json', 'application/yaml']);
}

export function notAcceptable(offered: readonly string[]): StatusError {
  return new StatusError(
    'NotAcceptable',
    `only the following media types are accepted: ${offered.join(', ')}`,
  );
}

/** The Content-Type of an answer in that form. */
export function contentTypeOf(representation: Representation, watch = false): string {
  const stream = watch ? ';stream=watch' : '';
  if (representation.as === 'object') return `application/json${stream}`;
  const as =
    representation.as === 'table'
      ? 'Table'
      : watch
        ? 'PartialObjectMetadata'
        : 'PartialObjectMetadataList';
  return `application/json;as=${as};v=${representation.version};g=${META}${stream}`;
}
