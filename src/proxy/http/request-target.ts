import { httpFault, shown } from './http-fault.ts';

/** What a request is for. */
export interface ReadTarget {
  /** In origin form, `*`, or the authority for CONNECT. */
  readonly target: string;
  /** Where the target names one itself. */
  readonly authority: string | undefined;
  readonly scheme: string | undefined;
}

/** `host`, `[v6]`, with a port or without; what has user info, spaces or a list in it is none. */
const AUTHORITY = /^(?:[A-Za-z0-9\-._~%!$&'()*+;=]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$/;
const ABSOLUTE = /^(https?):\/\/([^/?#]*)(.*)$/i;
const TUNNEL = /:[0-9]{1,5}$/;

/** @throws {MeshError} ERR_WIRE */
export function checkAuthority(text: string): void {
  if (!AUTHORITY.test(text)) throw httpFault(`the host ${shown(text)}`);
}

/**
 * The four forms of RFC 9112, 3.2, each where it may stand; the absolute form becomes the origin form.
 *
 * @throws {MeshError} ERR_WIRE
 */
export function readTarget(method: string, text: string): ReadTarget {
  if (method === 'CONNECT') {
    checkAuthority(text);
    if (!TUNNEL.test(text)) throw httpFault(`CONNECT to ${shown(text)}, which has no port`);
    return { target: text, authority: text, scheme: undefined };
  }
  if (text.startsWith('/')) return { target: text, authority: undefined, scheme: undefined };
  if (text === '*' && method === 'OPTIONS') {
    return { target: text, authority: undefined, scheme: undefined };
  }
  const [, scheme, authority, rest] = ABSOLUTE.exec(text) ?? [];
  if (scheme === undefined || authority === undefined || rest === undefined || authority === '') {
    throw httpFault(`the target ${shown(text)}`);
  }
  checkAuthority(authority);
  const target = rest.startsWith('/') ? rest : `/${rest}`;
  return { target, authority, scheme: scheme.toLowerCase() };
}
