import { Code, ConnectError } from '@connectrpc/connect';
import { MeshError, type MeshErrorCode } from '../lib/errors.ts';

const CODES: Partial<Record<MeshErrorCode, Code>> = {
  ERR_UNAUTHENTICATED: Code.Unauthenticated,
  ERR_FORBIDDEN: Code.PermissionDenied,
  ERR_NOT_FOUND: Code.NotFound,
  ERR_CSR: Code.InvalidArgument,
  ERR_DER: Code.InvalidArgument,
  ERR_KEY: Code.InvalidArgument,
  ERR_USAGE: Code.InvalidArgument,
  ERR_WIRE: Code.InvalidArgument,
  ERR_ISSUANCE: Code.InvalidArgument,
  ERR_LIMIT: Code.ResourceExhausted,
  ERR_STORE: Code.Unavailable,
};

/** How an error leaves over gRPC. What nobody foresaw says nothing of our inside. */
export function grpcError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const code = MeshError.is(error) ? CODES[error.code] : undefined;
  if (code === undefined) return new ConnectError('internal error', Code.Internal);
  return new ConnectError((error as MeshError).message, code);
}
