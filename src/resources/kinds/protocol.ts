import { quote } from '../field-problem.ts';
import { suggestion } from '../nearest.ts';

const PROTOCOLS = [
  'HTTP',
  'HTTP2',
  'HTTPS',
  'HTTP_PROXY',
  'GRPC',
  'GRPC-WEB',
  'TCP',
  'TLS',
  'UDP',
  'MONGO',
  'REDIS',
  'MYSQL',
  'HBONE',
];
const HTTP = new Set(['HTTP', 'HTTP2', 'HTTP_PROXY', 'GRPC', 'GRPC-WEB']);

/** What is wrong with `protocol` as the name of one that Istio knows, in any case. */
export function protocolProblem(protocol: string): string | undefined {
  return PROTOCOLS.includes(protocol.toUpperCase())
    ? undefined
    : `${quote(protocol)} is not one of ${PROTOCOLS.join(', ')}${suggestion(protocol, PROTOCOLS)}`;
}

/** Whether requests can be seen in it: plain HTTP of any version, and gRPC. */
export function isPlainHttp(protocol: string): boolean {
  return HTTP.has(protocol.toUpperCase());
}

/** Whether it is TLS all the way: HTTPS, or TLS around anything else. */
export function isTls(protocol: string): boolean {
  return ['HTTPS', 'TLS'].includes(protocol.toUpperCase());
}
