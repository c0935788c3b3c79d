import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType,
  TlsCertificateSchema,
} from '../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import {
  type Secret,
  SecretSchema,
} from '../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { SPIFFECertValidatorConfigSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { X509Svid } from '../../spiffe/x509-svid.ts';
import type { Crl } from '../../x509/crl.ts';
import { encodePem } from '../../x509/pem.ts';
import type { SdsValidator } from './sds-validator.ts';

/** The own certificate with its key, both PEM. */
export function certificateSecret(name: string, { chain, privateKey }: X509Svid): Secret {
  const certificates = chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const value = create(TlsCertificateSchema, {
    certificateChain: inline(certificates),
    privateKey: inline(key),
  });
  return create(SecretSchema, { name, type: { case: 'tlsCertificate', value } });
}

export interface Trust {
  /** One a trust domain. */
  readonly bundles: readonly TrustBundle[];
  readonly validator: SdsValidator;
  /** With which peers of a trust domain are checked; none where they are not complete. */
  readonly crlsFor: (bundle: TrustBundle) => readonly Crl[];
  /** The only peer that is accepted; undefined leaves that to Envoy's own matchers. */
  readonly peer: SpiffeId | undefined;
}

/**
 * Whom to trust. Undefined where that cannot be said: a plain list of roots would pool the trust
 * domains, and Envoy takes neither no trust domain nor an empty list for "nobody".
 */
export function validationSecret(name: string, trust: Trust): Secret | undefined {
  const { validator, peer, crlsFor } = trust;
  const bundles = trust.bundles.filter(({ x509Authorities }) => x509Authorities.length > 0);
  const [only] = bundles;
  if (only === undefined || (validator === 'plain' && bundles.length > 1)) return undefined;
  const value = create(CertificateValidationContextSchema, {
    ...(validator === 'plain'
      ? { trustedCa: inline(only.toPem()), ...crlOf(crlsFor(only)) }
      : { customValidatorConfig: spiffeValidator(bundles, crlsFor) }),
    matchTypedSubjectAltNames: peer === undefined ? [] : [exactly(peer)],
  });
  return create(SecretSchema, { name, type: { case: 'validationContext', value } });
}

function crlOf(crls: readonly Crl[]) {
  const pem = crlPem(crls);
  return pem === '' ? {} : { crl: inline(pem) };
}

/** The validator has no field for lists: it takes those among the certificates of a bundle. */
function spiffeValidator(bundles: readonly TrustBundle[], crlsFor: Trust['crlsFor']) {
  const trustDomains = bundles
    .toSorted((a, b) => (a.trustDomain.name < b.trustDomain.name ? -1 : 1))
    .map((bundle) => ({
      name: bundle.trustDomain.name,
      trustBundle: inline(bundle.toPem() + crlPem(crlsFor(bundle))),
    }));
  return {
    name: 'envoy.tls.cert_validator.spiffe',
    typedConfig: anyPack(
      SPIFFECertValidatorConfigSchema,
      create(SPIFFECertValidatorConfigSchema, { trustDomains }),
    ),
  };
}

function exactly(peer: SpiffeId) {
  return {
    sanType: SubjectAltNameMatcher_SanType.URI,
    matcher: { matchPattern: { case: 'exact' as const, value: peer.toString() } },
  };
}

function crlPem(crls: readonly Crl[]): string {
  return crls.map(({ der }) => encodePem('X509 CRL', der)).join('');
}

function inline(text: string) {
  return { specifier: { case: 'inlineBytes' as const, value: Buffer.from(text) } };
}
