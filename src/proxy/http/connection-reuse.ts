import type { Fields } from './fields.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

/** Schemes that prove who somebody is for a connection, and not for a request (RFC 4559). */
const BOUND_SCHEME = /(?:^|,)\s*(?:ntlm|negotiate|kerberos)\b/i;
const CREDENTIALS = ['authorization', 'proxy-authorization'];
const CHALLENGES = ['www-authenticate', 'proxy-authenticate'];

/**
 * Whether a request leaves nothing behind that the next one on the connection, which may be another
 * client's, could be taken for: it has no body about whose end two readers could disagree, and its
 * answer has the length that it says. It may also be asked twice.
 *
 * @param fields those that go on
 */
export function leavesNothing(head: RequestHead, fields: Fields): boolean {
  return (
    head.method === 'GET' &&
    head.protocol === 'HTTP/1.1' &&
    head.body.kind === 'none' &&
    head.upgrade === undefined &&
    !fields.has('expect') &&
    !CREDENTIALS.some((name) => BOUND_SCHEME.test(fields.get(name) ?? ''))
  );
}

/** Whether the connection of an answer may be another client's next. */
export function isReusable({ status, keepAlive, body, fields }: ResponseHead): boolean {
  return (
    keepAlive &&
    status >= 200 &&
    body.kind !== 'until-end' &&
    !fields.has('persistent-auth') &&
    !CHALLENGES.some((name) => BOUND_SCHEME.test(fields.get(name) ?? ''))
  );
}
