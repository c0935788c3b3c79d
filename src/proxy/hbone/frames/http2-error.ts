import { MeshError } from '../../../lib/errors.ts';
import { ErrorCode } from './http2-codes.ts';

/** An ERR_WIRE for which the connection ends with an HTTP/2 error code. */
export function http2Error(code: number, reason: string): MeshError {
  return new MeshError('ERR_WIRE', reason, { cause: code });
}

/** The HTTP/2 code to end a connection with for anything that was thrown; INTERNAL_ERROR for what is no one's protocol error. */
export function http2CodeOf(error: unknown): number {
  return MeshError.is(error) && typeof error.cause === 'number'
    ? error.cause
    : ErrorCode.internalError;
}
