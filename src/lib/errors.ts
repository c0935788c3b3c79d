/**
 * What went wrong, as a stable name that programs may compare. A code is never renamed; the text
 * beside it is for people and may change.
 */
export type MeshErrorCode =
  /** A flag, environment variable or option that cannot be used as given. */
  | 'ERR_USAGE'
  /** Bytes that are not the DER or PEM they should be. */
  | 'ERR_DER'
  /** A key whose type or size is not accepted. */
  | 'ERR_KEY'
  /** A certificate signing request that is malformed or not signed by its own key. */
  | 'ERR_CSR'
  /** A chain that does not lead to a trusted root, or a certificate in it that may not be used so. */
  | 'ERR_PATH'
  /** Text that is not a SPIFFE ID or trust domain. */
  | 'ERR_SPIFFE_ID'
  /** A certificate, key or bundle that is not what the SPIFFE standard asks for. */
  | 'ERR_SVID'
  /** A JSON Web Token that is malformed, expired, for somebody else, or signed by nobody we trust. */
  | 'ERR_JWT'
  /** A resource, or the YAML around it, that is refused by schema or validation. */
  | 'ERR_RESOURCE'
  /** Nothing is stored under that name. */
  | 'ERR_NOT_FOUND'
  /** The stored version is not the one that the writer had read, or the name is taken. */
  | 'ERR_CONFLICT'
  /** History before that version is gone; list again and watch from there. */
  | 'ERR_GONE'
  /** The data directory or database cannot be used. */
  | 'ERR_STORE'
  /** A sealed value cannot be opened: wrong master key, or altered bytes. */
  | 'ERR_SEAL'
  /** The caller could not be identified: token or certificate missing, wrong, used or expired. */
  | 'ERR_UNAUTHENTICATED'
  /** The caller is known and may not do this. */
  | 'ERR_FORBIDDEN'
  /** The authority cannot sign: expired, or the request breaks an issuance rule. */
  | 'ERR_ISSUANCE'
  /** A message from a peer that does not follow its protocol. */
  | 'ERR_WIRE'
  /** A peer, upstream or control plane that cannot be reached in time. */
  | 'ERR_UNREACHABLE'
  /** A port or socket that cannot be listened on. */
  | 'ERR_LISTEN'
  /** Rules of the kernel that could not be made or taken away. */
  | 'ERR_RULES'
  /** A program could not be told that its files have changed. */
  | 'ERR_RELOAD'
  /** A bound was reached; what came after it was refused. */
  | 'ERR_LIMIT';

/**
 * The one error class of Hauberk. The message is lower case without a full stop, quotes the bad
 * value, and says what to do where somebody can act. Secrets never appear in it.
 */
export class MeshError extends Error {
  override readonly name = 'MeshError';
  readonly code: MeshErrorCode;

  constructor(code: MeshErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Whether `error` is a MeshError, of `code` where one is given. */
  static is(error: unknown, code?: MeshErrorCode): error is MeshError {
    return error instanceof MeshError && (code === undefined || error.code === code);
  }
}

/** The text of anything that was thrown, for messages that wrap it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
