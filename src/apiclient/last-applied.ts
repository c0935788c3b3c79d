import type { ApiObject } from './api-object.ts';

/** Where kubectl keeps what was applied, to see next time what was taken out of the file. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** `object` with what it says of itself in the annotation, to the byte as kubectl writes it. */
export function withLastApplied(object: ApiObject): ApiObject {
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata.annotations ?? {};
  const plain = { ...object, metadata: { ...object.metadata, annotations } };
  const text = `${goJson(plain)}\n`;
  return {
    ...plain,
    metadata: { ...plain.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } },
  };
}

/** What was applied last; undefined when nothing was, or it cannot be read. */
export function lastApplied(object: ApiObject): unknown {
  const text = object.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** As Go's encoding/json writes it: keys in order, signs of HTML escaped. */
function goJson(value: unknown): string {
  return JSON.stringify(sorted(value)).replaceAll(
    /[<>&\u2028\u2029]/g,
    (sign) => ESCAPES[sign] ?? sign,
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, sorted(item)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
