import { randomUUID } from 'node:crypto';
import type { ServiceImpl } from '@connectrpc/connect';
import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import type { Attestor } from '../../attestation/attestor.ts';
import { type AuthenticateToken, tokenReviews } from '../../attestation/authenticate-token.ts';
import { ForeignIssuers } from '../../attestation/foreign-issuers.ts';
import { serviceAccountAttestor } from '../../attestation/service-account-attestor.ts';
import {
  type ServiceAccountTokens,
  serviceAccountTokens,
} from '../../attestation/service-account-tokens.ts';
import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import { type JwtKeyRing, openJwtKeyRing } from '../../ca/jwt-key-ring.ts';
import type { JwtKeyAlgorithm } from '../../ca/jwt-keys.ts';
import { ownBundle } from '../../control/bundles/own-bundle.ts';
import type { ControlEvents } from '../../control/control-events.ts';
import type { ServerIdentity } from '../../control/server-identity.ts';
import { jwtKeySecret } from '../../control/tokens/jwt-key-secret.ts';
import {
  type JwtSvidServiceOptions,
  jwtSvidService,
} from '../../control/tokens/jwt-svid-service.ts';
import {
  JWKS_PATH,
  type OidcDocument,
  oidcDocuments,
} from '../../control/tokens/oidc-documents.ts';
import { startOidcServer } from '../../control/tokens/oidc-server.ts';
import { tokenKeyRoutes } from '../../control/tokens/token-key-routes.ts';
import { trustedIssuers } from '../../control/tokens/trusted-issuers.ts';
import type { JwtSvidService } from '../../gen/hauberk/identity/v1/jwt_svid_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { parseCompactJws } from '../../lib/compact-jws.ts';
import { messageOf } from '../../lib/errors.ts';
import { httpsGet } from '../../lib/https-get.ts';
import { runTasks, type Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Store } from '../../store/store.ts';

export interface TokenConfig {
  /** The `iss` of all tokens. Default: `https://kubernetes.default.svc.<trust domain>`. */
  readonly issuer?: string | undefined;
  /** Where verifiers find the keys. Default: `/openid/v1/jwks` of the issuer. */
  readonly jwksUri?: string | undefined;
  /** Where OpenID Connect discovery is served. Default: nowhere. */
  readonly oidc?: { readonly host: string; readonly port: number } | undefined;
  /** Of new keys. Default `ecdsa-p256`. */
  readonly keyAlgorithm?: JwtKeyAlgorithm | undefined;
}

export interface TokenAuthorityParts {
  readonly config: TokenConfig;
  readonly rootNamespace: string;
  readonly authority: Pick<CertificateAuthority, 'trustDomain' | 'bundle'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'tokenIssued' | 'tokenKeysChanged' | 'taskFailed'>;
}

/** Everything of the control plane that signs or judges tokens. */
export interface TokenAuthority {
  readonly trustDomain: TrustDomain;
  readonly issuer: string;
  readonly keys: JwtKeyRing;
  /** The own bundle, with the keys of tokens beside the certificates. */
  readonly bundle: Watchable<TrustBundle>;
  /** Knows callers by the token of their service account. */
  readonly attestor: Attestor;
  readonly authenticateToken: AuthenticateToken;
  readonly issue: ServiceAccountTokens['issue'];
  readonly routes: OperatorRoutes;
  /** OpenID Connect discovery by path, for any server of ours to answer with. */
  readonly documents: (path: string) => OidcDocument | undefined;
  /** Mints JWT-SVIDs for callers whom `attestor` knows. */
  jwtSvids(
    callers: Pick<JwtSvidServiceOptions, 'attestor' | 'serviceAccounts' | 'revocations'>,
  ): ServiceImpl<typeof JwtSvidService>;
  /** Serves OpenID Connect discovery where that is configured; `run` rotates the keys as well. */
  start(
    identity: Watchable<ServerIdentity>,
  ): Promise<{ readonly oidcPort: number | undefined; readonly run: Task }>;
}

const CHECK_MS = 60_000;

/** @throws {MeshError} ERR_STORE when the stored keys cannot be read. */
export async function openTokenAuthority(parts: TokenAuthorityParts): Promise<TokenAuthority> {
  const { config, rootNamespace, authority, store, clock, events } = parts;
  const { trustDomain } = authority;
  const { issuer = `https://kubernetes.default.svc.${trustDomain}`, keyAlgorithm } = config;
  const keys = await openJwtKeyRing({
    ...{ store: jwtKeySecret(store, rootNamespace), clock },
    ...(keyAlgorithm === undefined ? {} : { algorithm: keyAlgorithm }),
  });
  const tokens = serviceAccountTokens({
    ...{ issuer, signer: keys, clock, newTokenId: randomUUID },
    uidOf: async (namespace, name) => {
      const account = await store.get({ kind: 'ServiceAccount', namespace, name });
      return account?.metadata.uid;
    },
    async boundUidOf(namespace, { kind, name }) {
      // A workload's Pod is the view of its WorkloadEntry, whose uid it has.
      const stored = kind === 'Pod' ? 'WorkloadEntry.networking.istio.io' : kind;
      return (await store.get({ kind: stored, namespace, name }))?.metadata.uid;
    },
  });
  const foreign = new ForeignIssuers({
    ...{ trusted: () => trustedIssuers(store), get: httpsGet, rootNamespace, clock },
  });
  const { authorities } = keys;
  const jwksUri = config.jwksUri ?? issuer + JWKS_PATH;
  const documents = oidcDocuments({ issuer, jwksUri, authorities });
  return {
    trustDomain,
    issuer,
    keys,
    bundle: ownBundle(authority.bundle, authorities),
    attestor: serviceAccountAttestor({
      trustDomain,
      authenticate: (token, audiences) =>
        isIssuedBy(issuer, token)
          ? tokens.authenticate(token, audiences)
          : foreign.authenticate(token),
    }),
    authenticateToken: tokenReviews(tokens),
    documents,
    issue: (order) => tokens.issue(order),
    routes: tokenKeyRoutes({ keys, events }),
    jwtSvids: (callers) =>
      jwtSvidService({ ...callers, issuer, keys, clock, events, newTokenId: randomUUID }),
    async start(identity) {
      const { oidc: listen } = config;
      const oidc = listen && (await startOidcServer({ listen, identity, documents }));
      const tasks = [
        rotateKeys(keys, { clock, events }),
        ...(oidc === undefined ? [] : [oidc.run]),
      ];
      return { oidcPort: oidc?.port, run: (signal) => runTasks(signal, tasks) };
    },
  };
}

/** Only says who is to judge it. */
function isIssuedBy(issuer: string, token: string): boolean {
  return parseCompactJws(token).claims['iss'] === issuer;
}

function rotateKeys(
  keys: JwtKeyRing,
  { clock, events }: Pick<TokenAuthorityParts, 'clock' | 'events'>,
): Task {
  return async (signal) => {
    while (!signal.aborted) {
      try {
        for (const action of await keys.rotateWhenDue()) events.tokenKeysChanged({ action });
      } catch (error) {
        events.taskFailed({ task: 'rotate the keys of tokens', reason: messageOf(error) });
      }
      await clock.sleep(CHECK_MS, signal);
    }
  };
}
