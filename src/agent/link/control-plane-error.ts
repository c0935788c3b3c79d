import { Code, ConnectError } from '@connectrpc/connect';
import { MeshError, type MeshErrorCode } from '../../lib/errors.ts';

const REFUSALS: Partial<Record<Code, MeshErrorCode>> = {
  [Code.Unauthenticated]: 'ERR_UNAUTHENTICATED',
  [Code.PermissionDenied]: 'ERR_FORBIDDEN',
  [Code.NotFound]: 'ERR_NOT_FOUND',
  [Code.InvalidArgument]: 'ERR_CSR',
};

/** What a failed call means: a refusal, or ERR_UNREACHABLE for what is worth another try. */
export function controlPlaneError(error: unknown): MeshError {
  const { code, rawMessage } = ConnectError.from(error);
  return new MeshError(REFUSALS[code] ?? 'ERR_UNREACHABLE', `control plane: ${rawMessage}`, {
    cause: error,
  });
}
