import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import { qualifiedKind } from '../../resources/kind-definition.ts';
import {
  type FederatedTrustDomain,
  federatedTrustDomain,
} from '../../resources/kinds/federated-trust-domain.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Store } from '../../store/store.ts';
import type { Federation } from './federation.ts';
import { federationViews } from './federation-view.ts';

export interface FederationRouteOptions {
  readonly store: Store;
  readonly federation: Federation;
  /** Of this mesh. */
  readonly trustDomain: TrustDomain;
  /** The own bundle, for other trust domains to begin with. */
  readonly document: () => Promise<string>;
  /** Where the own bundle is served, if it is. */
  readonly endpoint: object | undefined;
}

const KIND: string = qualifiedKind(federatedTrustDomain);

/** `hauberk federation`. */
export function federationRoutes(options: FederationRouteOptions): OperatorRoutes {
  const { store, federation } = options;
  return {
    'GET /v1/federation': async () => {
      const { items } = await store.list(KIND);
      return {
        trustDomain: options.trustDomain.name,
        endpoint: options.endpoint ?? null,
        items: federationViews(federation, items as readonly FederatedTrustDomain[]),
      };
    },
    'GET /v1/federation/bundle': async () => ({ document: await options.document() }),
  };
}
