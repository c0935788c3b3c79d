import { MeshError } from '../../lib/errors.ts';
import { certificateRevocationList } from '../../resources/kinds/certificate-revocation-list.ts';
import { type TrustBundleResource, trustBundle } from '../../resources/kinds/trust-bundle.ts';
import { bundleName } from '../../spiffe/bundle-name.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { describeCertificate } from '../../x509/describe-certificate.ts';
import { factTypeUrl } from '../../xds/fact.ts';
import { HeldResources } from '../../xds/held-resources.ts';
import type {
  ReceivedResource,
  Rejection,
  ResourceDelta,
  ResourceSink,
} from '../../xds/resource-sink.ts';
import { decodeReceived } from './fact-cache-decode.ts';

/** The type URL under which the bundles of all trust domains come. */
export const bundleType: string = factTypeUrl({ ...trustBundle, version: trustBundle.versions[0] });

/** The type URLs of what peers are judged by. */
export const trustTypes: ReadonlySet<string> = new Set([
  bundleType,
  factTypeUrl({
    ...certificateRevocationList,
    version: certificateRevocationList.versions[0],
  }),
]);

export interface ReceivedBundlesOptions {
  /** The agent's own. */
  readonly trustDomain: TrustDomain;
  /** Takes the own trust domain's bundle; what it sets is in force before the control plane is told. */
  readonly trust: (bundle: TrustBundle, renewal: Renewal | undefined) => void;
  /** Takes those of all other trust domains, ordered by name, after each change of them. */
  readonly federate: (bundles: readonly TrustBundle[]) => void;
}

/** Which key signs now, and how soon what others have signed is to be renewed. */
type Renewal = NonNullable<TrustBundleResource['spec']['renewal']>;

interface ReceivedBundle {
  readonly bundle: TrustBundle;
  readonly renewal: Renewal | undefined;
}

/**
 * Takes the bundles that the control plane sends. They are believed because the link was checked
 * against the present one, and for that reason never read from a file. An own bundle that would leave
 * nobody to trust, or one that has another trust domain's authority in it, is rejected whole. The own
 * one stays in force when it is taken away; another trust domain without one is trusted no more.
 */
export class ReceivedBundles implements ResourceSink {
  readonly #options: ReceivedBundlesOptions;
  readonly #held: HeldResources<ReceivedBundle>;

  constructor(options: ReceivedBundlesOptions) {
    this.#options = options;
    this.#held = new HeldResources({
      decode: (received, typeUrl) => decodeBundle(received, typeUrl, options.trustDomain),
    });
  }

  versions(typeUrl: string): ReadonlyMap<string, string> {
    return this.#held.versions(typeUrl);
  }

  apply(delta: ResourceDelta): readonly Rejection[] {
    const { trustDomain, trust, federate } = this.#options;
    const name = bundleName(trustDomain);
    const before = this.#held.of(bundleType).get(name)?.value;
    const { changes } = this.#held;
    const rejections = this.#held.apply(delta);
    const own = this.#held.of(bundleType).get(name)?.value;
    if (own !== undefined && own !== before) trust(own.bundle, own.renewal);
    if (this.#held.changes !== changes) federate(this.#foreign(name));
    return rejections;
  }

  #foreign(own: string): readonly TrustBundle[] {
    return [...this.#held.of(bundleType)]
      .filter(([name]) => name !== own)
      .map(([, { value }]) => value.bundle)
      .sort((one, other) => (one.trustDomain.name < other.trustDomain.name ? -1 : 1));
  }
}

/** @throws {MeshError} ERR_RESOURCE, ERR_SVID, ERR_WIRE and others, saying why it is no good. */
function decodeBundle(
  received: ReceivedResource,
  typeUrl: string,
  own: TrustDomain,
): ReceivedBundle {
  const { metadata, spec } = decodeReceived(received, typeUrl) as TrustBundleResource;
  const trustDomain = TrustDomain.parse(spec.trustDomain);
  if (metadata.name !== bundleName(trustDomain)) {
    throw new MeshError(
      'ERR_SVID',
      `the bundle "${metadata.name}" is of the trust domain "${trustDomain}", whose bundle has the name "${bundleName(trustDomain)}"`,
    );
  }
  const bundle = TrustBundle.parseJwks(trustDomain, spec.document);
  refuseUnusable(bundle, own);
  return { bundle, renewal: spec.renewal };
}

function refuseUnusable({ trustDomain, x509Authorities }: TrustBundle, own: TrustDomain): void {
  // Of another trust domain that means: all were revoked, believe nobody.
  if (x509Authorities.length === 0 && trustDomain.equals(own)) {
    throw new MeshError('ERR_SVID', `the bundle of "${trustDomain}" has no authority in it`);
  }
  for (const authority of x509Authorities) {
    const foreign = authority.uriSans.find(
      (uri) => uri.startsWith('spiffe:') && uri !== trustDomain.id,
    );
    if (foreign === undefined) continue;
    throw new MeshError(
      'ERR_SVID',
      `${describeCertificate(authority)} in the bundle of "${trustDomain}" belongs to "${foreign}"`,
    );
  }
}
