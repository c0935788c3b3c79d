import { MeshError } from '../../lib/errors.ts';
import type { TrustBundleResource } from '../../resources/kinds/trust-bundle.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Store } from '../../store/store.ts';
import { trustBundleKey } from '../bundles/trust-bundle-resource.ts';

export interface OwnDocumentOptions {
  readonly store: Store;
  readonly trustDomain: TrustDomain;
  /** How often others should look for a newer one, in milliseconds. */
  readonly refreshHintMs: number;
}

/**
 * The SPIFFE bundle of this trust domain as other trust domains are shown it: the one that agents
 * have, with its sequence number, and a refresh hint.
 *
 * @throws {MeshError} ERR_NOT_FOUND before it was published.
 */
export function ownDocument(options: OwnDocumentOptions): () => Promise<string> {
  const { store, trustDomain, refreshHintMs } = options;
  let made: { readonly of: string; readonly text: string } | undefined;
  return async () => {
    const stored = await store.get(trustBundleKey(trustDomain));
    if (stored === undefined) {
      throw new MeshError('ERR_NOT_FOUND', `the bundle of "${trustDomain}" is not published yet`);
    }
    const version = stored.metadata.resourceVersion ?? '';
    if (made?.of !== version) {
      const { document } = (stored as TrustBundleResource).spec;
      const hint = { spiffe_refresh_hint: Math.ceil(refreshHintMs / 1_000) };
      made = { of: version, text: JSON.stringify({ ...JSON.parse(document), ...hint }) };
    }
    return made.text;
  };
}
