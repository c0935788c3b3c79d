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
