import type { Resource } from '../../resources/resource.ts';
import { badRequest } from '../status-error.ts';

/** Which objects are meant, by their fields. */
export interface FieldQuery {
  matches(resource: Resource): boolean;
  /** Set when only an object of this name can match. */
  readonly name: string | undefined;
  /** Set when only objects of this namespace can match. */
  readonly namespace: string | undefined;
}

const LONGEST = 8_192;
const ALWAYS = ['metadata.name', 'metadata.namespace'];

/**
 * A field selector as in a URL: `metadata.name=web,type!=Opaque`. Values may escape `,`, `=` and
 * `\` with a backslash.
 *
 * @param selectable Dotted paths that this kind may be selected by, beside name and namespace.
 * @throws {StatusError} BadRequest for others, as Kubernetes says it.
 */
export function parseFieldQuery(text: string, selectable: readonly string[] = []): FieldQuery {
  if (text.length > LONGEST) throw badRequest('the field selector is too long');
  const terms = splitTerms(text).map((part) => parseTerm(part, [...ALWAYS, ...selectable]));
  const exactly = (path: string): string | undefined =>
    terms.find((term) => term.path === path && term.equal)?.value;
  return {
    matches: (resource) =>
      terms.every(({ path, equal, value }) => (fieldText(resource, path) === value) === equal),
    name: exactly('metadata.name'),
    namespace: exactly('metadata.namespace'),
  };
}

interface Term {
  readonly path: string;
  readonly equal: boolean;
  readonly value: string;
}

function splitTerms(text: string): readonly string[] {
  const terms = text.match(/(?:\\.|[^,\\])+/g) ?? [];
  return terms.map((term) => term.trim()).filter((term) => term !== '');
}

function parseTerm(text: string, selectable: readonly string[]): Term {
  const match = /^((?:\\.|[^=!\\])*?)(!=|==|=)((?:\\.|[^\\=])*)$/.exec(text);
  if (match === null)
    throw badRequest(`invalid selector: ${JSON.stringify(text)}; can't understand it`);
  const [, path = '', operator, escaped = ''] = match;
  if (!selectable.includes(path)) throw badRequest(`field label not supported: ${path}`);
  return { path, equal: operator !== '!=', value: escaped.replaceAll(/\\(.)/g, '$1') };
}

/** The text of a field; '' where it is absent, as for Kubernetes. */
function fieldText(resource: Resource, path: string): string {
  let value: unknown = resource;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return '';
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  return typeof value === 'object' || value === undefined ? '' : String(value);
}
