import { parseGoDuration } from '../resources/go-duration.ts';

/** Somebody outside of the mesh's policies who is asked about calls that CUSTOM policies match. */
export interface ExtensionProvider {
  /** As `provider.name` of policies has it. */
  readonly name: string;
  /** An HTTP provider cannot be asked about TCP connections; a gRPC one can. */
  readonly protocol: 'http' | 'grpc';
  /** Host name, or `namespace/host` to say which of several. */
  readonly service: string;
  readonly port: number;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** Whether a call goes on when the provider cannot be reached or answers 5xx. */
  readonly failOpen: boolean;
  /** HTTP status for the caller when the provider cannot be reached. */
  readonly statusOnError: number;
  /** HTTP only: stands before the path of the request. */
  readonly pathPrefix: string;
  /** HTTP only: headers of the request that are sent to the provider; exact, `prefix*`, `*suffix`. */
  readonly includeRequestHeadersInCheck: readonly string[];
  /** HTTP only: headers that are added to the question. */
  readonly includeAdditionalHeadersInCheck: Readonly<Record<string, string>>;
  /** How much of the body is sent along; undefined: none of it. */
  readonly includeRequestBodyInCheck:
    | {
        readonly maxRequestBytes: number;
        readonly allowPartialMessage: boolean;
        readonly packAsBytes: boolean;
      }
    | undefined;
  /** HTTP only: headers of the answer that the workload gets. */
  readonly headersToUpstreamOnAllow: readonly string[];
  /** HTTP only: headers of a refusal that the caller gets. */
  readonly headersToDownstreamOnDeny: readonly string[];
  /** HTTP only: headers of a permission that the caller gets. */
  readonly headersToDownstreamOnAllow: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Istio's default, which is as good as none. */
const TIMEOUT_MS = 600_000;
const FORBIDDEN = 403;

/**
 * An element of `meshConfig.extensionProviders` that can be asked; undefined for those that log,
 * count or trace, and for those that do not say whom to ask.
 */
export function parseExtensionProvider(written: Fields): ExtensionProvider | undefined {
  const { name, envoyExtAuthzHttp, envoyExtAuthzGrpc } = written;
  const protocol = isFields(envoyExtAuthzHttp) ? 'http' : 'grpc';
  const fields = protocol === 'http' ? envoyExtAuthzHttp : envoyExtAuthzGrpc;
  if (typeof name !== 'string' || !isFields(fields)) return undefined;
  const { service, port } = fields;
  if (typeof service !== 'string' || service === '' || !isPort(port)) return undefined;
  return {
    name,
    protocol,
    service,
    port,
    timeoutMs: timeoutMs(fields['timeout']),
    failOpen: fields['failOpen'] === true,
    statusOnError: statusOf(fields['statusOnError']),
    pathPrefix: textOf(fields['pathPrefix']),
    includeRequestHeadersInCheck: textsOf(
      fields['includeRequestHeadersInCheck'] ?? fields['includeHeadersInCheck'],
    ),
    includeAdditionalHeadersInCheck: headersOf(fields['includeAdditionalHeadersInCheck']),
    includeRequestBodyInCheck: bodyOf(fields['includeRequestBodyInCheck']),
    headersToUpstreamOnAllow: textsOf(fields['headersToUpstreamOnAllow']),
    headersToDownstreamOnDeny: textsOf(fields['headersToDownstreamOnDeny']),
    headersToDownstreamOnAllow: textsOf(fields['headersToDownstreamOnAllow']),
  };
}

function bodyOf(value: unknown): ExtensionProvider['includeRequestBodyInCheck'] {
  if (!isFields(value)) return undefined;
  const { maxRequestBytes, allowPartialMessage, packAsBytes } = value;
  return {
    maxRequestBytes: typeof maxRequestBytes === 'number' ? Math.max(0, maxRequestBytes) : 0,
    allowPartialMessage: allowPartialMessage === true,
    packAsBytes: packAsBytes === true,
  };
}

function timeoutMs(value: unknown): number {
  const ms = typeof value === 'string' ? parseGoDuration(value) : undefined;
  return ms === undefined || ms <= 0 ? TIMEOUT_MS : ms;
}

function statusOf(value: unknown): number {
  const status = Number(value);
  return Number.isInteger(status) && status >= 200 && status <= 599 ? status : FORBIDDEN;
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= 65_535;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function headersOf(value: unknown): Readonly<Record<string, string>> {
  if (!isFields(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}
