import type { KeyObject } from 'node:crypto';
import type { Identity } from '../../spiffe/identity.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { parseX509Svid } from '../../spiffe/x509-svid.ts';
import { parseCertificate } from '../../x509/certificate.ts';

/** The roots of one trust domain; a proxy needs no JWT keys. */
interface BundleValues {
  readonly trustDomain: string;
  readonly authorities: readonly Uint8Array[];
}

/**
 * An Identity, or those parts of it that changed, as values that another thread of this process can
 * be given. The private key goes as the handle that it is: its bytes are not exported.
 */
export interface IdentityValues {
  readonly svid?: { readonly chain: readonly Uint8Array[]; readonly privateKey: KeyObject };
  readonly bundle?: BundleValues;
  readonly federated?: readonly BundleValues[];
  readonly issuedAtMs: number;
}

/** Of `next` what is another object than in `previous`; everything when there is none. */
export function identityValues(next: Identity, previous?: Identity): IdentityValues {
  const { svid, bundle, federated = [], issuedAtMs } = next;
  return {
    ...(svid === previous?.svid
      ? {}
      : { svid: { chain: svid.chain.map(({ der }) => der), privateKey: svid.privateKey } }),
    ...(bundle === previous?.bundle ? {} : { bundle: bundleValues(bundle) }),
    ...(previous !== undefined && next.federated === previous.federated
      ? {}
      : { federated: federated.map(bundleValues) }),
    issuedAtMs,
  };
}

/**
 * The Identity again; what the values leave out is taken from `previous`, as the same object.
 *
 * @throws {MeshError} ERR_DER or ERR_SVID when they are not what `identityValues` makes.
 */
export function identityOf(values: IdentityValues, previous?: Identity): Identity {
  const svid = values.svid === undefined ? previous?.svid : svidOf(values.svid);
  const bundle = values.bundle === undefined ? previous?.bundle : bundleOf(values.bundle);
  if (svid === undefined || bundle === undefined) throw new TypeError('the first must be whole');
  const federated = values.federated?.map(bundleOf) ?? previous?.federated;
  return {
    ...{ svid, bundle, issuedAtMs: values.issuedAtMs },
    ...(federated === undefined ? {} : { federated }),
  };
}

function svidOf({ chain, privateKey }: NonNullable<IdentityValues['svid']>): Identity['svid'] {
  return parseX509Svid({ chain: chain.map(parseCertificate), privateKey });
}

function bundleValues({ trustDomain, x509Authorities }: TrustBundle): BundleValues {
  return { trustDomain: trustDomain.name, authorities: x509Authorities.map(({ der }) => der) };
}

function bundleOf({ trustDomain, authorities }: BundleValues): TrustBundle {
  return TrustBundle.of(TrustDomain.parse(trustDomain), authorities.map(parseCertificate));
}
