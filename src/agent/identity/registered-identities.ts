import type { Clock } from '../../lib/clock.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import { mayServe } from '../../policy/match-registration.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import { revokedSerials } from '../../policy/revoked-serials.ts';
import type { WorkloadRegistration } from '../../resources/kinds/workload-registration.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { KeyPair } from '../../x509/key-pair.ts';
import { type Leftover, RegistrationWorker, registrationKey } from './registration-worker.ts';

/** A registration that this agent serves, with the identity for it once that was obtained. */
export interface RegisteredIdentity {
  readonly registration: WorkloadRegistration;
  readonly identity: Identity | undefined;
  /** Why there is no identity, or no newer one. */
  readonly problem: string | undefined;
}

interface RegisteredEvents {
  issued(event: { readonly registration: string; readonly identity: Identity }): void;
  failed(event: {
    readonly registration: string;
    readonly reason: string;
    readonly retryInMs: number;
  }): void;
  /** More registrations name this agent than it serves; the others are left out. */
  tooMany(event: { readonly registrations: number; readonly served: number }): void;
}

export interface RegisteredIdentitiesOptions {
  readonly facts: Watchable<MeshFacts>;
  /** The agent's own: proves to the control plane who asks, and has the bundles. */
  readonly own: Watchable<Identity>;
  /** Asks for the identity of a registration, and says that it came in place of the one of serial `before`. */
  readonly obtain: (
    registration: WorkloadRegistration,
    keys: KeyPair,
    signal: AbortSignal,
    before: string | undefined,
  ) => Promise<Identity>;
  readonly clock: Clock;
  readonly events: RegisteredEvents;
  /** Identities that somebody else had obtained, by `registrationKey`; used where they are still wanted. */
  readonly handedOver?: ReadonlyMap<string, Identity> | undefined;
  /** Default 256. */
  readonly maxServed?: number;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

const MOST_LEFT = 1_024;

/** Obtains and renews, with a key of its own each, the identities of the registrations that name this agent. */
export class RegisteredIdentities {
  readonly #options: RegisteredIdentitiesOptions;
  readonly #held = new WatchableValue<readonly RegisteredIdentity[]>([]);
  readonly #tasks = new Set<Promise<void>>();
  /** What is left of workers that have ended, or of the sidecar before this one. */
  readonly #left: Map<string, Leftover>;
  #workers: ReadonlyMap<string, RegistrationWorker> = new Map();

  constructor(options: RegisteredIdentitiesOptions) {
    this.#options = options;
    const handedOver = options.handedOver ?? new Map();
    this.#left = new Map([...handedOver].map(([key, identity]) => [key, { identity }]));
  }

  /** To hand over, by `registrationKey`. */
  get identities(): ReadonlyMap<string, Identity> {
    const all = [...this.#workers].map(([key, worker]) => [key, worker.identity] as const);
    return new Map(all.flatMap(([key, identity]) => (identity ? [[key, identity]] : [])));
  }

  /** By namespace and name. */
  get held(): Watchable<readonly RegisteredIdentity[]> {
    return this.#held;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { facts, own } = this.#options;
    this.#reconcile(signal);
    const stops = [
      facts.subscribe((next, before) => {
        if (next.registrations !== before.registrations) this.#reconcile(signal);
        else if (next.revocations !== before.revocations) this.#replaceRevoked();
      }),
      own.subscribe((next, before) => {
        if (next.svid !== before.svid) {
          for (const worker of this.#workers.values()) worker.follow(next);
        }
        this.#publish();
      }),
    ];
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    for (const stop of stops) stop();
    await Promise.all(this.#tasks);
  }

  #reconcile(signal: AbortSignal): void {
    const before = this.#workers;
    this.#workers = new Map(
      this.#wanted().map((registration) => {
        const key = registrationKey(registration);
        const present = before.get(key);
        present?.update(registration);
        return [key, present ?? this.#start(registration, signal)];
      }),
    );
    for (const [key, worker] of before) {
      if (this.#workers.has(key)) continue;
      worker.stop();
      // Should it be wanted again, the new certificate takes the place of that one.
      if (this.#left.size < MOST_LEFT) this.#left.set(key, { replaces: worker.serial });
    }
    this.#publish();
  }

  #start(registration: WorkloadRegistration, signal: AbortSignal): RegistrationWorker {
    const key = registrationKey(registration);
    const left = this.#left.get(key) ?? {};
    this.#left.delete(key);
    const worker = new RegistrationWorker(registration, this.#options, left, () => this.#publish());
    const task = worker.run(signal).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
    return worker;
  }

  #wanted(): readonly WorkloadRegistration[] {
    const { facts, own, events, maxServed = 256 } = this.#options;
    const wanted = facts.current.registrations
      .filter((registration) => mayServe(registration, own.current.svid.id))
      .toSorted((one, other) => (registrationKey(one) < registrationKey(other) ? -1 : 1));
    if (wanted.length > maxServed) {
      events.tooMany({ registrations: wanted.length, served: maxServed });
    }
    return wanted.slice(0, maxServed);
  }

  #replaceRevoked(): void {
    const revoked = revokedSerials(this.#options.facts.current.revocations);
    for (const worker of this.#workers.values()) worker.replaceRevoked(revoked);
    this.#publish();
  }

  #publish(): void {
    const { facts, own } = this.#options;
    const revoked = revokedSerials(facts.current.revocations);
    this.#held.set([...this.#workers.values()].map((worker) => worker.state(own.current, revoked)));
  }
}
