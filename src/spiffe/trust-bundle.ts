import { MeshError } from '../lib/errors.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { describeCertificate } from '../x509/describe-certificate.ts';
import { decodePem, encodePem } from '../x509/pem.ts';
import { parseBundleJson, writeBundleJson } from './bundle-json.ts';
import { type JwtAuthority, writeJwtAuthority } from './jwt-authority.ts';
import type { TrustDomain } from './trust-domain.ts';

/** What a bundle says about itself. */
export interface TrustBundleOptions {
  /** Raised by the publisher with every change of content. Default 0. */
  readonly sequence?: number;
  /** How often to look for a newer one. Default: the publisher does not say. */
  readonly refreshHintMs?: number;
  /** The keys of JWT-SVIDs, each with a key ID of its own. Default none. */
  readonly jwtAuthorities?: readonly JwtAuthority[];
}

const MAX_AUTHORITIES = 64;

/**
 * The roots and JWT keys of one trust domain. No root means that all were revoked. Never changed, only
 * replaced.
 */
export class TrustBundle {
  readonly trustDomain: TrustDomain;
  readonly x509Authorities: readonly Certificate[];
  readonly jwtAuthorities: readonly JwtAuthority[];
  readonly sequence: number;
  readonly refreshHintMs: number | undefined;

  private constructor(
    trustDomain: TrustDomain,
    authorities: readonly Certificate[],
    { sequence = 0, refreshHintMs, jwtAuthorities = [] }: TrustBundleOptions,
  ) {
    this.trustDomain = trustDomain;
    this.x509Authorities = authorities;
    this.jwtAuthorities = jwtAuthorities;
    this.sequence = sequence;
    this.refreshHintMs = refreshHintMs;
  }

  /**
   * Repeated authorities are taken once.
   *
   * @throws {MeshError} ERR_SVID for an authority that is not CA:true, two JWT keys of one ID, or
   *   more than 64 of either.
   */
  static of(
    trustDomain: TrustDomain,
    authorities: readonly Certificate[],
    options: TrustBundleOptions = {},
  ): TrustBundle {
    const unique = new Map(authorities.map((ca) => [Buffer.from(ca.der).toString('base64'), ca]));
    if (unique.size > MAX_AUTHORITIES) {
      throw new MeshError(
        'ERR_SVID',
        `a bundle of ${unique.size} authorities; at most ${MAX_AUTHORITIES}`,
      );
    }
    for (const authority of unique.values()) {
      if (!authority.isCa) {
        throw new MeshError(
          'ERR_SVID',
          `${describeCertificate(authority)} in the bundle of "${trustDomain}" is not CA:true`,
        );
      }
    }
    checkJwtAuthorities(options.jwtAuthorities ?? []);
    return new TrustBundle(trustDomain, [...unique.values()], options);
  }

  /**
   * Reads a SPIFFE bundle (JWKS, SPIFFE_Trust_Domain_and_Bundle 4) of at most 1 MiB. Entries of
   * unknown type or use are passed over.
   *
   * @throws {MeshError} ERR_SVID, and ERR_DER or ERR_KEY for the certificate inside an entry.
   */
  static parseJwks(trustDomain: TrustDomain, text: string): TrustBundle {
    const { authorities, ...options } = parseBundleJson(text);
    return TrustBundle.of(trustDomain, authorities.map(parseCertificate), options);
  }

  /** The key that JWT-SVIDs name by `keyId`. */
  jwtKey(keyId: string): JwtAuthority['publicKey'] | undefined {
    return this.jwtAuthorities.find((authority) => authority.keyId === keyId)?.publicKey;
  }

  /** The same content under another sequence number. */
  withSequence(sequence: number): TrustBundle {
    const { trustDomain, x509Authorities, jwtAuthorities, refreshHintMs } = this;
    const hint = refreshHintMs === undefined ? {} : { refreshHintMs };
    return new TrustBundle(trustDomain, x509Authorities, { sequence, jwtAuthorities, ...hint });
  }

  /** The same certificates with other JWT keys. @throws {MeshError} ERR_SVID as `of` does. */
  withJwtAuthorities(jwtAuthorities: readonly JwtAuthority[]): TrustBundle {
    const { trustDomain, x509Authorities, sequence, refreshHintMs } = this;
    const hint = refreshHintMs === undefined ? {} : { refreshHintMs };
    return TrustBundle.of(trustDomain, x509Authorities, { sequence, jwtAuthorities, ...hint });
  }

  /** Whether `other` says the same of the same trust domain, whatever the sequence numbers. */
  hasContentOf(other: TrustBundle): boolean {
    const [one, two] = [this, other].map((bundle) => bundle.withSequence(0).toJwks());
    return this.trustDomain.equals(other.trustDomain) && one === two;
  }

  /**
   * The bundle as JWKS: certificates with one `x5c` and no `kid`, JWT keys with a `kid`, the refresh
   * hint rounded up to seconds.
   */
  toJwks(): string {
    return writeBundleJson(this);
  }

  /** The JWT keys alone, as the Workload API gives them. */
  toJwtJwks(): string {
    return JSON.stringify({ keys: this.jwtAuthorities.map(writeJwtAuthority) });
  }

  /** @throws {MeshError} ERR_DER, ERR_KEY, ERR_SVID; also when there is no certificate in it. */
  static parsePem(trustDomain: TrustDomain, pem: string): TrustBundle {
    const blocks = decodePem(pem, 'CERTIFICATE', { maxBlocks: MAX_AUTHORITIES });
    return TrustBundle.of(trustDomain, blocks.map(parseCertificate));
  }

  /** All authorities, one block each; '' when there are none. */
  toPem(): string {
    return this.x509Authorities.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
  }
}

function checkJwtAuthorities(authorities: readonly JwtAuthority[]): void {
  if (authorities.length > MAX_AUTHORITIES) {
    throw new MeshError(
      'ERR_SVID',
      `a bundle of ${authorities.length} JWT keys; at most ${MAX_AUTHORITIES}`,
    );
  }
  const seen = new Set<string>();
  for (const { keyId } of authorities) {
    if (seen.has(keyId)) {
      const shown = JSON.stringify(keyId).slice(0, 80);
      throw new MeshError('ERR_SVID', `the bundle has two JWT keys with the "kid" ${shown}`);
    }
    seen.add(keyId);
  }
}
