import { annotations } from '../../resources/annotations.ts';
import type { FederatedTrustDomain } from '../../resources/kinds/federated-trust-domain.ts';
import type { Resource } from '../../resources/resource.ts';
import { keyOf } from '../../resources/resource.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Store } from '../../store/store.ts';
import {
  readTrustBundle,
  TRUST_BUNDLE_KIND,
  trustBundleKey,
  trustBundleResource,
} from '../bundles/trust-bundle-resource.ts';

/**
 * The TrustBundle objects of other trust domains: what agents are sent. Each notes the declaration
 * that it was fetched for, so that one that was written anew begins anew.
 */
export class ForeignBundles {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** What was stored for this declaration, as it is written now. */
  async load(declaration: FederatedTrustDomain): Promise<TrustBundle | undefined> {
    const stored = await this.#store.get(keyFor(declaration));
    return stored !== undefined && originOf(stored) === originFor(declaration)
      ? readTrustBundle(stored)
      : undefined;
  }

  async save(declaration: FederatedTrustDomain, bundle: TrustBundle): Promise<void> {
    const resource = trustBundleResource(bundle);
    const noted = { [annotations.federatedFor]: originFor(declaration) };
    const metadata = { ...resource.metadata, annotations: noted };
    await this.#store.commit([{ op: 'put', resource: { ...resource, metadata } }]);
  }

  /** Removes those of which no declaration is left; their domains are trusted no more. */
  async keepOnly(declarations: readonly FederatedTrustDomain[]): Promise<void> {
    const names = new Set(declarations.map((each) => keyFor(each).name));
    const { items } = await this.#store.list(TRUST_BUNDLE_KIND);
    const orphans = items.filter(
      (each) => originOf(each) !== undefined && !names.has(each.metadata.name),
    );
    if (orphans.length === 0) return;
    await this.#store.commit(orphans.map((each) => ({ op: 'delete', key: keyOf(each) })));
  }
}

function keyFor({ spec }: FederatedTrustDomain) {
  return trustBundleKey(TrustDomain.parse(spec.trustDomain));
}

function originFor({ metadata }: FederatedTrustDomain): string {
  return `${metadata.uid}/${metadata.generation}`;
}

function originOf({ metadata }: Resource): string | undefined {
  return metadata.annotations?.[annotations.federatedFor];
}
