import { printable, quote } from '../quote.ts';
import type { Call } from './call.ts';

/** What a call looked like, in one line of printable ASCII: `GET /a of reviews by X from IP to port 80`. */
export function describeCall({ connection, http, token }: Call): string {
  const { principal, sourceIp, destinationPort, sni } = connection;
  const parts = [
    http === undefined
      ? 'a TCP connection'
      : `${printable(http.method)} ${printable(http.path)}${http.host === '' ? '' : ` of ${printable(http.host)}`}`,
    principal === undefined || principal === '' ? 'by nobody known' : `by ${printable(principal)}`,
    ...(sourceIp === '' ? [] : [`from ${printable(sourceIp)}`]),
    `to port ${destinationPort}`,
    ...(sni === undefined || sni === '' ? [] : [`with server name ${quote(sni)}`]),
    ...(token === undefined
      ? []
      : [`with a token of ${quote(`${token.issuer ?? ''}/${token.subject ?? ''}`)}`]),
  ];
  return parts.join(' ');
}
