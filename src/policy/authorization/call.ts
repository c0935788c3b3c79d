/** What is known of a connection when it is let in or not, and whenever policies change after that. */
export interface ConnectionFacts {
  /** Identity of the verified peer certificate without `spiffe://`; undefined on plaintext. */
  readonly principal: string | undefined;
  /** Address of the direct peer; IPv4 peers may be written as IPv4-mapped IPv6. */
  readonly sourceIp: string;
  readonly destinationIp: string;
  /** Port of the workload, never that of a Service. */
  readonly destinationPort: number;
  /** Server name that the peer asked for in its ClientHello. */
  readonly sni?: string;
  /** Address of the client by PROXY protocol, where the peer spoke it. */
  readonly remoteIp?: string;
}

/** What is known of one HTTP request, of HTTP/1 as of HTTP/2 and gRPC. */
export interface HttpFacts {
  /** As sent; methods are compared with case. */
  readonly method: string;
  /** Normalized, without query and fragment. */
  readonly path: string;
  /** What stands behind `?` in the target, without it; undefined where there is none. */
  readonly query?: string | undefined;
  /** `:authority` or Host, with its port if it was given. */
  readonly host: string;
  /** `http` or `https`, where the request says so. */
  readonly scheme?: string | undefined;
  /**
   * The value of a header by its lower-case name, several joined with `,`; undefined where there is
   * none. Pseudo headers and Host are never asked for.
   */
  readonly header: (name: string) => string | undefined;
}

/** What a token said that a RequestAuthentication found good. */
export interface TokenFacts {
  readonly issuer: string | undefined;
  readonly subject: string | undefined;
  readonly audiences: readonly string[];
  /** The claim `azp`. */
  readonly presenter: string | undefined;
  /** The whole payload, claims that are lists in one text already taken apart. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A connection without `http`, or one request on it. */
export interface Call {
  readonly connection: ConnectionFacts;
  /** Undefined: TCP, or bytes that nobody reads as HTTP. */
  readonly http?: HttpFacts | undefined;
  /** Undefined: no token. */
  readonly token?: TokenFacts | undefined;
}

/** One HTTP request. */
export type RequestCall = Call & { readonly http: HttpFacts };
