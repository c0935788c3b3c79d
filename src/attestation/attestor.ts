import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { Certificate } from '../x509/certificate.ts';

/** What a caller shows of itself. */
export interface Evidence {
  /** The bearer token of the `authorization` header, without the scheme. */
  readonly bearer: string | undefined;
  /** The client certificate and what came with it, leaf first, not verified yet. */
  readonly chain: readonly Certificate[];
}

/** A caller whose identity was found. */
export interface AttestedCaller {
  readonly id: SpiffeId;
  /** The attestor's name, for the audit log. */
  readonly by: string;
  /**
   * Uses up what may be used once, bound to the key that is being certified. Called when everything
   * else about the request is right.
   *
   * @throws {MeshError} ERR_UNAUTHENTICATED when another key was quicker.
   */
  confirm(keyFingerprint: string): Promise<void>;
  /** Told of the certificate that was granted, before it is handed out. */
  issued?(certificate: { readonly serial: string }): Promise<void>;
}

/** One way to find out who is asking. */
export interface Attestor {
  readonly name: string;
  /**
   * Undefined: this evidence is not of my kind.
   *
   * @throws {MeshError} ERR_UNAUTHENTICATED when it is and it is not good; ERR_NOT_FOUND for a
   *   return ticket that is not known.
   */
  attest(evidence: Evidence): Promise<AttestedCaller | undefined>;
}
