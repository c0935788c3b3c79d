import type { HeaderField } from '../hpack/static-table.ts';

/** What a request asks for, as far as an HBONE server answers anything. */
export type RequestReading =
  | { readonly kind: 'connect'; readonly authority: string }
  /** Well formed, and not a CONNECT. */
  | { readonly kind: 'other-method' }
  | { readonly kind: 'malformed'; readonly why: string };

/** An answer that a client got. */
export type AnswerReading =
  | { readonly kind: 'final'; readonly status: number; readonly deniedBy: string | undefined }
  /** 1xx: the real one is still to come. */
  | { readonly kind: 'interim' }
  | { readonly kind: 'malformed'; readonly why: string };

const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'],
]);
const REQUEST_PSEUDO: ReadonlySet<string> = new Set([
  ...[':method', ':scheme', ':authority', ':path'],
]);
const RESPONSE_PSEUDO: ReadonlySet<string> = new Set([':status']);
/** Lower-case token (RFC 9110, 5.6.2), which is what a field name is in HTTP/2. */
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const FORBIDDEN_IN_VALUE = /[\x00\r\n]/;
const STATUS = /^[1-9][0-9]{2}$/;
const FIRST_FINAL_STATUS = 200;

/** Reads the fields of a request by RFC 9113, 8.2, 8.3.1 and 8.5. */
export function readRequest(fields: readonly HeaderField[]): RequestReading {
  const pseudo = checkedPseudo(fields, REQUEST_PSEUDO);
  if (typeof pseudo === 'string') return { kind: 'malformed', why: pseudo };
  const method = pseudo.get(':method');
  const path = pseudo.get(':path');
  if (method === undefined) return { kind: 'malformed', why: 'a request without :method' };
  if (method !== 'CONNECT') {
    return pseudo.has(':scheme') && path !== undefined && path !== ''
      ? { kind: 'other-method' }
      : { kind: 'malformed', why: `${JSON.stringify(method)} without :scheme or :path` };
  }
  const authority = pseudo.get(':authority');
  if (authority === undefined || path !== undefined || pseudo.has(':scheme')) {
    return { kind: 'malformed', why: 'CONNECT needs :authority, without :scheme and :path' };
  }
  return { kind: 'connect', authority };
}

/** Reads the fields of an answer; `deniedByHeader` names who refused. */
export function readAnswer(fields: readonly HeaderField[], deniedByHeader: string): AnswerReading {
  const pseudo = checkedPseudo(fields, RESPONSE_PSEUDO);
  if (typeof pseudo === 'string') return { kind: 'malformed', why: pseudo };
  const status = pseudo.get(':status') ?? '';
  if (!STATUS.test(status))
    return { kind: 'malformed', why: `the status ${JSON.stringify(status)}` };
  if (Number(status) < FIRST_FINAL_STATUS) return { kind: 'interim' };
  const deniedBy = fields.find(([name]) => name === deniedByHeader)?.[1];
  return { kind: 'final', status: Number(status), deniedBy };
}

/** The pseudo-header fields, or what is wrong with any field. */
function checkedPseudo(
  fields: readonly HeaderField[],
  known: ReadonlySet<string>,
): ReadonlyMap<string, string> | string {
  const pseudo = new Map<string, string>();
  let regular = false;
  for (const [name, value] of fields) {
    if (FORBIDDEN_IN_VALUE.test(value)) return `a line break in ${JSON.stringify(name)}`;
    if (name.startsWith(':')) {
      if (regular || !known.has(name) || pseudo.has(name)) {
        return `${JSON.stringify(name)} out of place`;
      }
      pseudo.set(name, value);
      continue;
    }
    regular = true;
    const problem = problemOf(name, value);
    if (problem !== undefined) return problem;
  }
  return pseudo;
}

function problemOf(name: string, value: string): string | undefined {
  if (!FIELD_NAME.test(name)) return `the field name ${JSON.stringify(name)}`;
  if (CONNECTION_SPECIFIC.has(name)) return `the field ${JSON.stringify(name)} of HTTP/1`;
  if (name === 'te' && value !== 'trailers') return `te: ${JSON.stringify(value)}`;
  return undefined;
}
