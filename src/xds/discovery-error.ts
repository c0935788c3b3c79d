import { Code, ConnectError } from '@connectrpc/connect';
import { MeshError, type MeshErrorCode } from '../lib/errors.ts';

const CODES: Partial<Record<MeshErrorCode, Code>> = {
  ERR_LIMIT: Code.ResourceExhausted,
  ERR_WIRE: Code.InvalidArgument,
  ERR_UNREACHABLE: Code.DeadlineExceeded,
  ERR_UNAUTHENTICATED: Code.Unauthenticated,
  ERR_FORBIDDEN: Code.PermissionDenied,
};

/** How an error of a discovery stream leaves over gRPC; what has no code of its own is given back as it is. */
export function discoveryError(error: unknown): unknown {
  const code = MeshError.is(error) ? CODES[error.code] : undefined;
  if (!MeshError.is(error) || code === undefined) return error;
  return new ConnectError(error.message, code, undefined, undefined, error);
}
