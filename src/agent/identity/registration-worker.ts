import { backoffMs } from '../../lib/backoff.ts';
import { messageOf } from '../../lib/errors.ts';
import { revokedSerials } from '../../policy/revoked-serials.ts';
import type { WorkloadRegistration } from '../../resources/kinds/workload-registration.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { KeyPair } from '../../x509/key-pair.ts';
import { type IdentityManager, identityManager } from './identity-manager.ts';
import type { RegisteredIdentitiesOptions, RegisteredIdentity } from './registered-identities.ts';
import { expiresAtMs } from './renewal-schedule.ts';
import { newWorkloadKey } from './request-svid.ts';

const FOLLOW_WITHIN_MS = 5_000;
const RETRY = { firstMs: 500, maxMs: 60_000 };

/** The name of a registration and whom it is about: another service account is another registration. */
export function registrationKey({ metadata, spec }: WorkloadRegistration): string {
  return `${metadata.namespace}/${metadata.name} as ${spec.serviceAccount}`;
}

/** What is there of a registration before its worker begins. */
export interface Leftover {
  /** An identity that somebody else had obtained for it. */
  readonly identity?: Identity;
  /** Serial of a certificate that nobody has a use for any more. */
  readonly replaces?: string | undefined;
}

/** Serves one registration. */
export class RegistrationWorker {
  readonly #options: RegisteredIdentitiesOptions;
  readonly #publish: () => void;
  readonly #left: Leftover;
  readonly #stopping = new AbortController();
  #registration: WorkloadRegistration;
  #manager: IdentityManager | undefined;
  #problem: string | undefined;
  #whole: Identity | undefined;

  constructor(
    registration: WorkloadRegistration,
    options: RegisteredIdentitiesOptions,
    left: Leftover,
    publish: () => void,
  ) {
    this.#left = left;
    this.#registration = registration;
    this.#options = options;
    this.#publish = publish;
  }

  /** What was obtained, whether or not it may still be used. */
  get identity(): Identity | undefined {
    return this.#manager?.identity.current;
  }

  /** Of the certificate that was obtained last. */
  get serial(): string | undefined {
    return serialOf(this.identity) ?? this.#left.replaces;
  }

  state(own: Identity, revoked: ReadonlyMap<string, unknown>): RegisteredIdentity {
    const current = this.#manager?.identity.current;
    const serial = current?.svid.chain[0]?.serial ?? '';
    const usable = current !== undefined && !revoked.has(serial);
    // Whom to trust is the agent's to know, and newer there.
    const identity = usable ? this.#together(own, current) : undefined;
    return { registration: this.#registration, identity, problem: this.#problem };
  }

  update(registration: WorkloadRegistration): void {
    const changed = certificateOf(registration) !== certificateOf(this.#registration);
    this.#registration = registration;
    if (changed) this.#manager?.renewNow();
  }

  replaceRevoked(revoked: ReadonlyMap<string, unknown>): void {
    const serial = this.#manager?.identity.current.svid.chain[0]?.serial;
    if (serial !== undefined && revoked.has(serial)) this.#manager?.renewNow();
  }

  /** The agent has a new certificate of its own: what another key has signed is renewed soon, too. */
  follow({ svid }: Identity): void {
    const signer = svid.chain[1]?.serial;
    if (signer !== undefined) this.#manager?.renewUnlessSignedBy(signer, FOLLOW_WITHIN_MS);
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(until: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const signal = AbortSignal.any([until, this.#stopping.signal]);
    const inherited = this.#inherited();
    const first = inherited ?? (await this.#obtainFirst(signal));
    if (first === undefined) return;
    const manager = identityManager(first, {
      obtain: (_present, keys, stop) => this.#obtain(keys, stop),
      clock,
      ...(random === undefined ? {} : { random }),
      events: {
        svidIssued: ({ identity }) => this.#issued(identity),
        renewalFailed: ({ reason, retryInMs }) => this.#failed(reason, retryInMs),
      },
    });
    this.#manager = manager;
    if (inherited === undefined) this.#issued(first);
    else this.#follow(this.#options.own.current, first);
    manager.identity.subscribe(this.#publish);
    this.#publish();
    await manager.run(signal);
  }

  /** What the sidecar before this one had for the very same registration. */
  #inherited(): Identity | undefined {
    const { own, clock, facts } = this.#options;
    const found = this.#left.identity;
    if (revokedSerials(facts.current.revocations).has(serialOf(found) ?? '')) return undefined;
    const { namespace } = this.#registration.metadata;
    const id = `${own.current.bundle.trustDomain.id}/ns/${namespace}/sa/${this.#registration.spec.serviceAccount}`;
    const usable = found?.svid.id.toString() === id && expiresAtMs(found) > clock.now();
    return usable ? found : undefined;
  }

  /** The agent may have changed to another key since that was obtained. */
  #follow(own: Identity, inherited: Identity): void {
    if (own.issuedAtMs > inherited.issuedAtMs) this.follow(own);
  }

  /** Tries for ever: what is refused now may be allowed by the next change. */
  async #obtainFirst(signal: AbortSignal): Promise<Identity | undefined> {
    const { clock, random = Math.random } = this.#options;
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        return await this.#obtain(newWorkloadKey(), signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        const retryInMs = backoffMs(failures, { ...RETRY, random });
        this.#failed(messageOf(error), retryInMs);
        await clock.sleep(retryInMs, signal);
      }
    }
    return undefined;
  }

  #obtain(keys: KeyPair, signal: AbortSignal): Promise<Identity> {
    return this.#options.obtain(this.#registration, keys, signal, this.serial);
  }

  #issued(identity: Identity): void {
    this.#problem = undefined;
    this.#options.events.issued({ registration: registrationKey(this.#registration), identity });
    this.#publish();
  }

  #failed(reason: string, retryInMs: number): void {
    if (this.#stopping.signal.aborted) return;
    const expired =
      this.#manager !== undefined &&
      expiresAtMs(this.#manager.identity.current) <= this.#options.clock.now();
    this.#problem = expired ? `the certificate has expired: ${reason}` : reason;
    this.#options.events.failed({
      registration: registrationKey(this.#registration),
      reason,
      retryInMs,
    });
    this.#publish();
  }

  /** The same object while neither part changes, so that nothing is sent again for nothing. */
  #together(own: Identity, current: Identity): Identity {
    const before = this.#whole;
    const same =
      before?.svid === current.svid &&
      before.bundle === own.bundle &&
      before.federated === own.federated;
    if (before !== undefined && same) return before;
    this.#whole = { ...own, svid: current.svid, issuedAtMs: current.issuedAtMs };
    return this.#whole;
  }
}

function serialOf(identity: Identity | undefined): string | undefined {
  return identity?.svid.chain[0]?.serial;
}

/** What of a registration is in the certificate. */
function certificateOf({ spec }: WorkloadRegistration): string {
  return JSON.stringify([spec.dnsNames ?? [], spec.lifetime ?? '']);
}
