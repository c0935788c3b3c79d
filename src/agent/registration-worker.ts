import { backoffMs } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import type { WorkloadRegistration } from '../resources/kinds/workload-registration.ts';
import type { Identity } from '../spiffe/identity.ts';
import type { KeyPair } from '../x509/key-pair.ts';
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

/** Serves one registration. */
export class RegistrationWorker {
  readonly #options: RegisteredIdentitiesOptions;
  readonly #publish: () => void;
  readonly #stopping = new AbortController();
  #registration: WorkloadRegistration;
  #manager: IdentityManager | undefined;
  #problem: string | undefined;
  #whole: Identity | undefined;

  constructor(
    registration: WorkloadRegistration,
    options: RegisteredIdentitiesOptions,
    publish: () => void,
  ) {
    this.#registration = registration;
    this.#options = options;
    this.#publish = publish;
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
    const first = await this.#obtainFirst(signal);
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
    this.#issued(first);
    manager.identity.subscribe(this.#publish);
    await manager.run(signal);
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
    return this.#options.obtain(this.#registration, keys, signal);
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

/** What of a registration is in the certificate. */
function certificateOf({ spec }: WorkloadRegistration): string {
  return JSON.stringify([spec.dnsNames ?? [], spec.lifetime ?? '']);
}
