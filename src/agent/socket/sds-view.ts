import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  type Secret,
  SecretSchema,
} from '../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { ResourceSchema } from '../../gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { Crl } from '../../x509/crl.ts';
import type { ResourceView, VersionedResource } from '../../xds/resource-view.ts';
import { completeCrls, usableCrls } from '../facts/mesh-crls.ts';
import type { Entitlement, GivenIdentity } from '../identity/entitlement.ts';
import { certificateSecret, validationSecret } from './sds-secret.ts';
import type { SdsValidator } from './sds-validator.ts';

export const SECRET_TYPE: string = `type.googleapis.com/${SecretSchema.typeName}`;

export interface SdsViewOptions {
  /** The caller's. */
  readonly entitlement: Watchable<Entitlement>;
  readonly validator: SdsValidator;
  readonly clock: Clock;
}

const MOST_KEPT = 256;

/**
 * The secrets that one Envoy may be sent, by SPIRE's names: `default` and an own SPIFFE ID are a
 * certificate; `ROOTCA` and the trust domain's ID its bundle, `ALL` every bundle; another SPIFFE ID of
 * a known trust domain is a validation context that accepts exactly that peer. Any other name does not
 * exist, and neither does the certificate once it has expired.
 */
export class SdsView implements ResourceView {
  readonly #options: SdsViewOptions;
  /** Encoded once an identity; Envoys ask for few names, each of them often. */
  readonly #kept = new Map<string, VersionedResource>();
  #keptOf = 0;

  constructor(options: SdsViewOptions) {
    this.#options = options;
  }

  get version(): number {
    return this.#options.entitlement.current.number;
  }

  get(typeUrl: string, name: string): VersionedResource | undefined {
    if (typeUrl !== SECRET_TYPE) return undefined;
    const { number, identities } = this.#options.entitlement.current;
    if (this.#keptOf !== number || this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#keptOf = number;
    const [first] = identities;
    if (first === undefined) return undefined;
    const own = name === 'default' ? first : identities.find((given) => isOf(name, given));
    if (own !== undefined && this.#expired(own.identity)) return undefined;
    const kept = this.#kept.get(name);
    if (kept !== undefined) return kept;
    const secret =
      own === undefined
        ? this.#trust(name, first.identity)
        : certificateSecret(name, own.identity.svid);
    if (secret === undefined) return undefined;
    const made = versioned(secret);
    this.#kept.set(name, made);
    return made;
  }

  /** Each secret once, under the ID that it is about. */
  *list(typeUrl: string): Iterable<readonly [string, VersionedResource]> {
    const { identities } = this.#options.entitlement.current;
    const svids = identities.map(({ identity }) => identity.svid.id.toString());
    const domains = identities.flatMap(({ identity: { bundle, federated = [] } }) =>
      [bundle, ...federated].map(({ trustDomain }) => trustDomain.id),
    );
    for (const name of new Set([...svids, ...domains])) {
      const resource = this.get(typeUrl, name);
      if (resource !== undefined) yield [name, resource];
    }
  }

  #trust(name: string, { bundle, federated = [], svid }: Identity): Secret | undefined {
    const { validator, entitlement, clock } = this.#options;
    const crls = usableCrls(entitlement.current.crls, clock.now());
    // Another trust domain may have the same root: nobody here has the lists of what is below it there.
    const crlsFor = (of: TrustBundle): readonly Crl[] =>
      of === bundle ? completeCrls(crls, [...bundle.x509Authorities, ...svid.chain.slice(1)]) : [];
    const how = { validator, crlsFor, peer: undefined };
    const all = [bundle, ...federated];
    if (name === 'ALL') return validationSecret(name, { ...how, bundles: all });
    if (name === 'ROOTCA') return validationSecret(name, { ...how, bundles: [bundle] });
    const id = spiffeIdOf(name);
    const one = all.find(({ trustDomain }) => id?.trustDomain.equals(trustDomain));
    if (id === undefined || one === undefined) return undefined;
    const peer = id.path === '' ? undefined : id;
    return validationSecret(name, { ...how, bundles: [one], peer });
  }

  #expired({ svid }: Identity): boolean {
    const now = this.#options.clock.now();
    return svid.chain.some(({ notAfterMs }) => notAfterMs <= now);
  }
}

function isOf(name: string, { identity }: GivenIdentity): boolean {
  return name === identity.svid.id.toString();
}

function spiffeIdOf(name: string): SpiffeId | undefined {
  try {
    return SpiffeId.parse(name);
  } catch (error) {
    if (MeshError.is(error)) return undefined;
    throw error;
  }
}

/** By content: a bundle that a renewal did not change is not sent again. */
function versioned(secret: Secret): VersionedResource {
  const bytes = toBinary(SecretSchema, secret);
  const version = createHash('sha256').update(publicPart(secret)).digest('hex').slice(0, 16);
  const resource = anyPack(SecretSchema, secret);
  const message = create(ResourceSchema, { name: secret.name, version, resource });
  return { message, bytes: bytes.length };
}

/** A version is shown in dumps and logs, so nothing of a private key goes into it. */
function publicPart(secret: Secret): Uint8Array {
  if (secret.type.case !== 'tlsCertificate') return toBinary(SecretSchema, secret);
  const { privateKey: _, ...value } = secret.type.value;
  return toBinary(
    SecretSchema,
    create(SecretSchema, { name: secret.name, type: { case: 'tlsCertificate', value } }),
  );
}
