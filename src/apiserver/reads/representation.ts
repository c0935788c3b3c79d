import { type MediaType, parseAccept, takesJson, takesYaml } from '../bodies/media-type.ts';
import { StatusError } from '../status-error.ts';

/** The form in which objects are answered. */
export type Representation =
  | { readonly as: 'object' }
  | { readonly as: 'table'; readonly version: 'v1' | 'v1beta1' }
  | { readonly as: 'partial'; readonly version: 'v1' | 'v1beta1' };

const META = 'meta.k8s.io';

/**
 * The best form that the client takes and we have; a watch is never YAML.
 *
 * @throws {StatusError} NotAcceptable, with the list of what there is.
 */
export function chooseRepresentation(accept: string | undefined, watch = false): Representation {
  for (const range of parseAccept(accept)) {
    if (takesJson(range) || (takesYaml(range) && !watch)) return { as: 'object' };
    const form = metaForm(range);
    if (form !== undefined) return form;
  }
  throw notAcceptable(watch ? ['application/json'] : ['application/json', 'application/yaml']);
}

function metaForm({ type, subtype, parameters }: MediaType): Representation | undefined {
  const { as, g, v } = parameters;
  if (type !== 'application' || subtype !== 'json' || g !== META) return undefined;
  if (v !== 'v1' && v !== 'v1beta1') return undefined;
  if (as === 'Table') return { as: 'table', version: v };
  const partial = as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList';
  return partial ? { as: 'partial', version: v } : undefined;
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
