import { Fields } from './fields.ts';
import { FIELDS_TOO_LARGE, httpFault, shown } from './http-fault.ts';

/** Envoy's bound. */
const MAX_FIELDS = 100;
/** A field line of RFC 9112, 5: no space before the colon, no folding, no control characters. */
const FIELD_LINE = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)\r\n/y;

/**
 * Reads field lines from `at` to the empty line that ends `text`.
 *
 * @throws {MeshError} ERR_WIRE naming the line that is none.
 */
export function parseFields(text: string, at: number): Fields {
  const fields = new Fields();
  const last = text.length - 2;
  for (let position = at; position < last; position = FIELD_LINE.lastIndex) {
    FIELD_LINE.lastIndex = position;
    const [, name, value] = FIELD_LINE.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      const end = text.indexOf('\n', position);
      throw httpFault(`${shown(text.slice(position, end))} is no header field`);
    }
    if (fields.size === MAX_FIELDS) {
      throw httpFault(`more than ${MAX_FIELDS} header fields`, FIELDS_TOO_LARGE);
    }
    fields.append(name, trimmed(value));
  }
  return fields;
}

const SPACE = 32;
const TAB = 9;

/** Without the spaces and tabs around it, and no other white space: `trim` takes more. */
function trimmed(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start += 1;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1;
  return start === 0 && end === value.length ? value : value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
