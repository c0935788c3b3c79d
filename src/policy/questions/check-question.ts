import type { Call, HttpFacts, TokenFacts } from '../authorization/call.ts';
import type { Workload } from '../workload.ts';

/** Who calls whom with what: what `hauberk authz check` is asked. */
export interface CheckQuestion {
  readonly source: {
    /** With or without `spiffe://`; undefined: a plaintext caller. */
    readonly principal?: string | undefined;
    readonly namespace?: string | undefined;
    readonly ip?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
  };
  readonly destination: {
    readonly namespace: string;
    /** Where not labels, but a name tells which workload. */
    readonly workload?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly port?: number | undefined;
    readonly ip?: string | undefined;
    /** As Services name them: `HTTP`, `GRPC`, `TCP`; undefined: HTTP where there is `http` or `jwt`. */
    readonly protocol?: string | undefined;
  };
  readonly http?:
    | {
        readonly method?: string | undefined;
        /** With its query, if it has one. */
        readonly path?: string | undefined;
        readonly host?: string | undefined;
        readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
      }
    | undefined;
  /** Claims of a token, or the token itself. */
  readonly jwt?: Readonly<Record<string, unknown>> | string | undefined;
  readonly sni?: string | undefined;
}

const SCHEME = 'spiffe://';
const OPAQUE = /^(?:tcp|tls|https|mongo|mysql|redis|udp)\b/i;

/** Whether the question is about an HTTP request. */
export function asksAboutHttp({ http, jwt, destination: { protocol } }: CheckQuestion): boolean {
  if (protocol !== undefined && protocol !== '') return !OPAQUE.test(protocol);
  return http !== undefined || jwt !== undefined;
}

/** The call that a question is about, once its port and its token are known. */
export function callOf(
  question: CheckQuestion,
  known: {
    readonly port: number;
    readonly path: string;
    readonly query: string | undefined;
    readonly token: TokenFacts | undefined;
  },
): Call {
  const { source, destination, sni } = question;
  const { principal } = source;
  const connection = {
    principal: principal?.startsWith(SCHEME) ? principal.slice(SCHEME.length) : principal,
    sourceIp: source.ip ?? '',
    destinationIp: destination.ip ?? '',
    destinationPort: known.port,
    ...(sni === undefined ? {} : { sni }),
  };
  if (!asksAboutHttp(question)) return { connection };
  return { connection, http: httpFacts(question, known), token: known.token };
}

function httpFacts(
  { http = {} }: CheckQuestion,
  { path, query }: { readonly path: string; readonly query: string | undefined },
): HttpFacts {
  const headers = new Map(
    Object.entries(http.headers ?? {}).map(([name, value]) => [
      name.toLowerCase(),
      typeof value === 'string' ? value : value.join(','),
    ]),
  );
  return {
    method: http.method ?? 'GET',
    path,
    query,
    host: http.host ?? headers.get('host') ?? '',
    header: (name) => headers.get(name),
  };
}

/** The workload that a question names by its labels. */
export function labelledWorkload({
  destination: { namespace, workload = '', labels = {} },
}: CheckQuestion): Workload {
  return { namespace, name: workload, labels, serviceAccount: 'default' };
}
