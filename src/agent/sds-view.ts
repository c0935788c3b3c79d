import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  type Secret,
  SecretSchema,
} from '../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { ResourceSchema } from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { Identity } from '../spiffe/identity.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { ResourceView, VersionedResource } from '../xds/resource-view.ts';
import { certificateSecret, validationSecret } from './sds-secret.ts';
import type { SdsValidator } from './sds-validator.ts';

export const SECRET_TYPE: string = `type.googleapis.com/${SecretSchema.typeName}`;

/** An identity and how often it was swapped. */
export interface NumberedIdentity {
  readonly identity: Identity;
  readonly number: number;
}

export interface SdsViewOptions {
  readonly identity: Watchable<NumberedIdentity>;
  readonly validator: SdsValidator;
  readonly clock: Clock;
}

const MOST_KEPT = 256;

/**
 * The secrets that one Envoy may be sent, by SPIRE's names: `default` and the own SPIFFE ID are the
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
    return this.#options.identity.current.number;
  }

  get(typeUrl: string, name: string): VersionedResource | undefined {
    if (typeUrl !== SECRET_TYPE) return undefined;
    const { number, identity } = this.#options.identity.current;
    if (this.#keptOf !== number || this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#keptOf = number;
    const certificate = isOwn(name, identity);
    if (certificate && this.#expired(identity)) return undefined;
    const kept = this.#kept.get(name);
    if (kept !== undefined) return kept;
    const secret = certificate
      ? certificateSecret(name, identity.svid)
      : this.#trust(name, identity);
    if (secret === undefined) return undefined;
    const made = versioned(secret);
    this.#kept.set(name, made);
    return made;
  }

  /** Each secret once, under the ID that it is about. */
  *list(typeUrl: string): Iterable<readonly [string, VersionedResource]> {
    const { svid, federated = [] } = this.#options.identity.current.identity;
    const foreign = federated.map(({ trustDomain }) => trustDomain.id);
    for (const name of [svid.id.toString(), svid.id.trustDomain.id, ...foreign]) {
      const resource = this.get(typeUrl, name);
      if (resource !== undefined) yield [name, resource];
    }
  }

  #trust(name: string, { bundle, federated = [] }: Identity): Secret | undefined {
    const { validator } = this.#options;
    const all = [bundle, ...federated];
    if (name === 'ALL') return validationSecret(name, { bundles: all, validator, peer: undefined });
    if (name === 'ROOTCA') {
      return validationSecret(name, { bundles: [bundle], validator, peer: undefined });
    }
    const id = spiffeIdOf(name);
    const one = all.find(({ trustDomain }) => id?.trustDomain.equals(trustDomain));
    if (id === undefined || one === undefined) return undefined;
    const peer = id.path === '' ? undefined : id;
    return validationSecret(name, { bundles: [one], validator, peer });
  }

  #expired({ svid }: Identity): boolean {
    const now = this.#options.clock.now();
    return svid.chain.some(({ notAfterMs }) => notAfterMs <= now);
  }
}

function isOwn(name: string, { svid }: Identity): boolean {
  return name === 'default' || name === svid.id.toString();
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
