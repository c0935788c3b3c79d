import {
  Code,
  ConnectError,
  type ContextKey,
  createContextKey,
  type Interceptor,
} from '@connectrpc/connect';
import type { PeerCredentials } from '../attestation/peer-credentials.ts';

const NOBODY: PeerCredentials = { pid: 0, uid: -1, gid: -1 };

/** Under this key the services find who is calling. */
export const callerKey: ContextKey<PeerCredentials> = createContextKey<PeerCredentials>(NOBODY);

export interface CallerRules {
  readonly allowedUids: readonly number[];
  /** Told of each refused call. */
  readonly refused: (caller: PeerCredentials, method: string) => void;
}

/** Refuses, for every service of the socket, callers that run as somebody else. */
export function onlyCallers({ allowedUids, refused }: CallerRules): Interceptor {
  return (next) => (request) => {
    const caller = request.contextValues.get(callerKey);
    if (allowedUids.includes(caller.uid)) return next(request);
    refused(caller, request.method.name);
    throw new ConnectError(
      `uid ${caller.uid} may not use the identity of this socket; its sidecar allows ${allowedUids.join(', ')}`,
      Code.PermissionDenied,
    );
  };
}

const HEADER = 'workload.spiffe.io';

/**
 * The header that a browser or a proxy cannot be tricked into sending (SPIFFE Workload Endpoint 6):
 * exactly one, exactly `true`. A header that is sent twice arrives here as `true, true`.
 */
export const onlyWithWorkloadHeader: Interceptor = (next) => (request) => {
  if (request.service.typeName !== 'SpiffeWorkloadAPI' || request.header.get(HEADER) === 'true') {
    return next(request);
  }
  throw new ConnectError(
    `the Workload API answers only requests with the metadata "${HEADER}: true", once`,
    Code.InvalidArgument,
  );
};
