import { MeshError } from '../lib/errors.ts';
import type { ApiClient } from './api-client.ts';
import { pathOf } from './discovery.ts';

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** A token that was made; whoever has it is, to those who accept it, the service account. */
export interface MadeToken {
  readonly token: string;
  readonly id: string;
  /** `namespace/name`. */
  readonly serviceAccount: string;
  readonly audiences?: readonly string[];
  readonly expiresAt: string;
}

const SERVICE_ACCOUNTS = {
  ...{ group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts' },
  ...{ singular: 'serviceaccount', shortNames: [], categories: [], namespaced: true, verbs: [] },
};

/**
 * A token with which one sidecar gets its first certificate, once.
 *
 * @param lifetime up to 7d, in Go's notation.
 * @throws {MeshError} ERR_NOT_FOUND without such an account; ERR_USAGE, ERR_FORBIDDEN.
 */
export function enrolmentToken(
  client: ApiClient,
  account: ServiceAccountName,
  lifetime: string,
): Promise<MadeToken> {
  const spec = { lifetime };
  const body = { apiVersion: 'security.hauberk.dev/v1alpha1', kind: 'EnrolmentRequest', spec };
  return makeToken(client, account, { subresource: 'enrolment', body });
}

/**
 * A token of the account as Kubernetes makes them, good until it expires.
 *
 * @throws {MeshError} ERR_NOT_FOUND without such an account; ERR_RESOURCE for a lifetime under 10 minutes.
 */
export function serviceAccountToken(
  client: ApiClient,
  account: ServiceAccountName,
  order: { readonly audiences: readonly string[]; readonly lifetimeMs: number },
): Promise<MadeToken> {
  const expirationSeconds = Math.floor(order.lifetimeMs / 1_000);
  const spec = { audiences: order.audiences, expirationSeconds };
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  return makeToken(client, account, { subresource: 'token', body });
}

async function makeToken(
  client: ApiClient,
  account: ServiceAccountName,
  { subresource, body }: { readonly subresource: string; readonly body: object },
): Promise<MadeToken> {
  const { namespace, name } = account;
  const path = pathOf(SERVICE_ACCOUNTS, { ...account, subresource });
  try {
    const { spec, status } = await client.json<TokenDocument>({ method: 'POST', path, body });
    return {
      token: status.token,
      id: status.id ?? idOf(status.token),
      serviceAccount: `${namespace}/${name}`,
      ...(spec.audiences === undefined ? {} : { audiences: spec.audiences }),
      expiresAt: status.expirationTimestamp,
    };
  } catch (error) {
    if (!MeshError.is(error, 'ERR_NOT_FOUND')) throw error;
    throw new MeshError(
      'ERR_NOT_FOUND',
      `ServiceAccount "${namespace}/${name}" does not exist; apply it first`,
      { cause: error },
    );
  }
}

interface TokenDocument {
  readonly spec: { readonly audiences?: readonly string[] };
  readonly status: {
    readonly token: string;
    readonly id?: string;
    readonly expirationTimestamp: string;
  };
}

/** The `jti` of a token. */
function idOf(token: string): string {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return String((JSON.parse(payload) as { readonly jti?: unknown }).jti ?? '');
}
