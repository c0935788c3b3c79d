import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { RevocationReason } from '../../resources/kinds/certificate-revocation.ts';
import type { Change, Store } from '../../store/store.ts';
import type { ControlEvents } from '../control-events.ts';
import type { IssuedRecord } from '../issuance/issuance-ledger.ts';
import {
  REVOCATION_KIND,
  type Revocation,
  readRevocation,
  revocationResource,
} from './revocation-resource.ts';
import { RevokedCallers } from './revoked-callers.ts';

export interface RevocationsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'certificateRevoked'>;
  /** Revocations at a time; a further one is refused. Default 50,000. */
  readonly maxRevocations?: number;
}

/** What is to be revoked, and who says so. */
export interface RevocationOrder {
  readonly certificates: readonly IssuedRecord[];
  /** Set when everything that an identity has is meant. */
  readonly identity: string | undefined;
  readonly reason: RevocationReason;
  readonly actor: string;
}

/** A peer whose clock is behind still takes a certificate that has expired here. */
const KEPT_AFTER_EXPIRY_MS = 3_600_000;

/**
 * The certificates that were revoked. The control plane refuses them itself; agents get them as
 * facts, one small resource each, and the data planes refuse them.
 */
export class Revocations {
  readonly callers: RevokedCallers = new RevokedCallers();
  readonly #options: RevocationsOptions;
  readonly #revoked = new Map<string, Revocation>();
  readonly #changes = new WatchableValue(0);

  private constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  /** With what was revoked in earlier runs. */
  static async load(options: RevocationsOptions): Promise<Revocations> {
    const revocations = new Revocations(options);
    for (const resource of (await options.store.list(REVOCATION_KIND)).items) {
      const revocation = readRevocation(resource);
      revocations.#revoked.set(revocation.serial, revocation);
    }
    return revocations;
  }

  /** How often something was revoked or forgotten in this run. */
  get changes(): Watchable<number> {
    return this.#changes;
  }

  get(serial: string): Revocation | undefined {
    return this.#revoked.get(serial);
  }

  /** All of them, in no order. */
  list(): readonly Revocation[] {
    return [...this.#revoked.values()];
  }

  /** @throws {MeshError} ERR_UNAUTHENTICATED for a certificate that was revoked. */
  refuse(serial: string): void {
    const revoked = this.#revoked.get(serial);
    if (revoked === undefined) return;
    const when = new Date(revoked.revokedAtMs).toISOString();
    throw new MeshError(
      'ERR_UNAUTHENTICATED',
      `certificate ${serial} of "${revoked.id}" was revoked at ${when} (${revoked.reason}); enrol the workload anew: stop its sidecar and start it with a token of \`hauberk token create\``,
    );
  }

  /**
   * Refused from the moment of the call on; when the promise resolves it survives a crash and is on
   * its way to the agents. What was revoked before stays as it was. Returns what is new.
   *
   * @throws {MeshError} ERR_LIMIT, or ERR_STORE, and then nothing of it is revoked.
   */
  async revoke(order: RevocationOrder): Promise<readonly Revocation[]> {
    const { store, clock, events, maxRevocations = 50_000 } = this.#options;
    const revokedAtMs = clock.now();
    const fresh = order.certificates
      .filter(({ serial }) => !this.#revoked.has(serial))
      .map(({ serial, id, issuerSerial, notAfterMs }) => ({
        ...{ serial, id, issuerSerial, notAfterMs, revokedAtMs, reason: order.reason },
      }));
    if (this.#revoked.size + fresh.length > maxRevocations) {
      const text = `${this.#revoked.size} certificates are revoked and ${maxRevocations} may be; shorten the lifetime of SVIDs so that fewer must be remembered`;
      throw new MeshError('ERR_LIMIT', text);
    }
    for (const revocation of fresh) this.#revoked.set(revocation.serial, revocation);
    // In the same turn: what is being signed meanwhile must be found here or in the ledger.
    const { actor, identity } = order;
    this.callers.revoked({ serials: fresh.map(({ serial }) => serial), identity });
    try {
      const put = (revocation: Revocation): Change => ({
        ...{ op: 'put', resource: revocationResource(revocation) },
      });
      await store.commit(fresh.map(put));
    } catch (error) {
      for (const { serial } of fresh) this.#revoked.delete(serial);
      throw error;
    }
    if (fresh.length > 0) this.#changes.set(this.#changes.current + 1);
    for (const revocation of fresh) events.certificateRevoked({ ...revocation, actor });
    return fresh;
  }

  /** Forgets revocations of certificates that nobody takes any more. */
  async dropExpired(): Promise<void> {
    const { store, clock } = this.#options;
    const beforeMs = clock.now() - KEPT_AFTER_EXPIRY_MS;
    const expired = this.list().filter(({ notAfterMs }) => notAfterMs <= beforeMs);
    if (expired.length === 0) return;
    const drop = ({ serial: name }: Revocation): Change => ({
      ...{ op: 'delete', key: { kind: REVOCATION_KIND, name } },
    });
    await store.commit(expired.map(drop));
    for (const { serial } of expired) this.#revoked.delete(serial);
    this.#changes.set(this.#changes.current + 1);
  }
}
