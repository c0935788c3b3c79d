import { anyWildcardMatch } from '../../policy/authorization/wildcard-match.ts';
import type { Field } from '../http/fields.ts';

/** Those of `fields` whose names are in a list of exact names, `prefix*` and `*suffix`, without case. */
export function fieldsNamed(fields: readonly Field[], names: readonly string[]): readonly Field[] {
  if (names.length === 0) return [];
  const matches = anyWildcardMatch(names.map((name) => name.toLowerCase()));
  return fields.filter(([name]) => matches(name.toLowerCase()));
}

/** The fields of a message of Node's, whose raw list alternates names and values. */
export function fieldsOfRaw(raw: readonly string[]): readonly Field[] {
  const fields: Field[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) fields.push([raw[i] ?? '', raw[i + 1] ?? '']);
  return fields;
}
