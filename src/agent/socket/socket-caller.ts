import {
  Code,
  ConnectError,
  type ContextKey,
  createContextKey,
  type Interceptor,
} from '@connectrpc/connect';
import type { Connected } from '../../attestation/caller-process.ts';
import type { PeerCredentials } from '../../attestation/peer-credentials.ts';
import { entitlementKey, isEntitled } from '../identity/entitlement.ts';
import type { Entitlements } from '../identity/entitlements.ts';

const NOBODY: Connected = { credentials: { pid: 0, uid: -1, gid: -1 }, atTicks: 0 };

/** Under this key the services find who is calling. */
export const callerKey: ContextKey<Connected> = createContextKey<Connected>(NOBODY);

export interface CallerRules {
  readonly entitlements: Pick<Entitlements, 'open'>;
  /** Full names of the services that give identities away; the others answer everybody. */
  readonly services: readonly string[];
  /** Told of each refused call. */
  readonly refused: (caller: PeerCredentials, method: string) => void;
}

/** Refuses callers that may have nothing, and tells the services what the others may have. */
export function onlyEntitled({ entitlements, services, refused }: CallerRules): Interceptor {
  return (next) => async (request) => {
    if (!services.includes(request.service.typeName)) return next(request);
    const caller = request.contextValues.get(callerKey);
    const entitlement = await entitlements.open(caller);
    if (!isEntitled(entitlement.current)) {
      entitlement.close();
      refused(caller.credentials, request.method.name);
      throw new ConnectError(entitlement.reason, Code.PermissionDenied);
    }
    if (request.signal.aborted) entitlement.close();
    request.signal.addEventListener('abort', () => entitlement.close(), { once: true });
    request.contextValues.set(entitlementKey, entitlement);
    return next(request);
  };
}

/** How a stream ends whose caller may have nothing any more (SPIFFE Workload API 5.1). */
export function entitlementLost(): ConnectError {
  return new ConnectError(
    'the caller may have no identity of this socket any more',
    Code.PermissionDenied,
  );
}

/** Unavailable, because clients try again then, and give up for good on other codes. */
export function identityPending(): ConnectError {
  return new ConnectError(
    'the identity is being obtained from the control plane; see the sidecar’s status',
    Code.Unavailable,
  );
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
