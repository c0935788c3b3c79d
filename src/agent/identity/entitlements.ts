import type { CallerProcess, Connected } from '../../attestation/caller-process.ts';
import { MeshError } from '../../lib/errors.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import { matchesRegistration, needsHash } from '../../policy/match-registration.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Crl } from '../../x509/crl.ts';
import { type Entitlement, type GivenIdentity, NOTHING } from './entitlement.ts';
import type { RegisteredIdentity } from './registered-identities.ts';

export interface EntitlementsOptions {
  /** The agent's own identity, for processes of `allowedUids`. */
  readonly own: Watchable<Identity>;
  readonly allowedUids: readonly number[];
  /** For the processes that their registrations describe. */
  readonly registered: Watchable<readonly RegisteredIdentity[]>;
  readonly crls: Watchable<readonly Crl[]>;
  /** @throws {MeshError} ERR_UNAUTHENTICATED when the caller is gone. */
  readonly lookUp: (caller: Connected, hashed: boolean) => Promise<CallerProcess>;
}

/** What one caller may have, followed until it is closed. */
export interface OpenEntitlement extends Watchable<Entitlement> {
  /** Why it may have nothing, for the message. */
  readonly reason: string;
  close(): void;
}

/**
 * Says who is given which identity: callers that a registration describes that of the registration,
 * in the order of its names, and those of the allowed users the agent's own, last. The caller is looked
 * up for each call, and only where there are registrations.
 */
export class Entitlements {
  readonly #options: EntitlementsOptions;

  constructor(options: EntitlementsOptions) {
    this.#options = options;
  }

  async open(caller: Connected): Promise<OpenEntitlement> {
    const { own, registered, crls } = this.#options;
    const found = await this.#lookUp(caller, undefined);
    const given = new CallersEntitlement(this.#options, caller, found);
    const refresh = (): void => {
      given.refresh();
      if (!given.needsLook()) return;
      void this.#lookUp(caller, given.found).then((again) => {
        given.found = again;
        given.refresh();
      });
    };
    const stops = [own.subscribe(refresh), registered.subscribe(refresh), crls.subscribe(refresh)];
    return Object.assign(given, {
      close: (): void => {
        for (const stop of stops) stop();
      },
    });
  }

  async #lookUp(caller: Connected, before: Found | undefined): Promise<Found> {
    const registrations = this.#options.registered.current;
    if (registrations.length === 0) return before ?? { kind: 'not-looked-for' };
    try {
      const process = await this.#options.lookUp(caller, false);
      const hashed = registrations.some(({ registration }) => needsHash(registration, process));
      if (!hashed) return { kind: 'process', process, hashed };
      return { kind: 'process', process: await this.#options.lookUp(caller, hashed), hashed };
    } catch (error) {
      if (MeshError.is(error)) return { kind: 'gone', reason: error.message };
      throw error;
    }
  }
}

type Found =
  | { readonly kind: 'not-looked-for' }
  | { readonly kind: 'gone'; readonly reason: string }
  | { readonly kind: 'process'; readonly process: CallerProcess; readonly hashed: boolean };

class CallersEntitlement implements Watchable<Entitlement> {
  found: Found;
  readonly #options: EntitlementsOptions;
  readonly #caller: Connected;
  readonly #value: WatchableValue<Entitlement>;

  constructor(options: EntitlementsOptions, caller: Connected, found: Found) {
    this.#options = options;
    this.#caller = caller;
    this.found = found;
    this.#value = new WatchableValue({ ...this.#now(), number: 1 });
  }

  get current(): Entitlement {
    return this.#value.current;
  }

  subscribe(listener: (next: Entitlement, previous: Entitlement) => void): () => void {
    return this.#value.subscribe(listener);
  }

  get reason(): string {
    const { allowedUids } = this.#options;
    const { uid, pid } = this.#caller.credentials;
    const allowed = `its sidecar allows ${allowedUids.join(', ')}`;
    const start = `uid ${uid} may not use the identity of this socket; ${allowed}`;
    if (this.found.kind === 'not-looked-for') return start;
    if (this.found.kind === 'gone') return `${start}, and ${this.found.reason}`;
    const { gid, path = 'unknown', cgroup = 'unknown' } = this.found.process;
    return `${start}, and no WorkloadRegistration for this agent describes process ${pid}: uid ${uid}, gid ${gid}, path ${path}, cgroup ${cgroup}`;
  }

  /** Whether a registration has come that asks for more than was looked at. */
  needsLook(): boolean {
    const registrations = this.#options.registered.current;
    if (this.found.kind === 'not-looked-for') return registrations.length > 0;
    if (this.found.kind === 'gone' || this.found.hashed) return false;
    const { process } = this.found;
    return registrations.some(({ registration }) => needsHash(registration, process));
  }

  refresh(): void {
    const { current } = this.#value;
    const next = this.#now();
    if (isSame(current, next)) return;
    this.#value.set({ ...next, number: current.number + 1 });
  }

  #now(): Entitlement {
    const { own, allowedUids, registered, crls } = this.#options;
    const matching = registered.current.filter(({ registration }) => this.#matches(registration));
    const identities: GivenIdentity[] = matching.flatMap(({ identity, registration }) =>
      identity === undefined ? [] : [{ identity, hint: registration.spec.hint ?? '' }],
    );
    if (allowedUids.includes(this.#caller.credentials.uid)) {
      identities.push({ identity: own.current, hint: '' });
    }
    const pending = matching.some(({ identity }) => identity === undefined);
    return {
      ...NOTHING,
      ...{ identities: identities.map(withoutRepeatedHint), pending, crls: crls.current },
    };
  }

  #matches(registration: RegisteredIdentity['registration']): boolean {
    return this.found.kind === 'process' && matchesRegistration(registration, this.found.process);
  }
}

/** Hints are unique within an answer (SPIFFE Workload API 5.2.1). */
function withoutRepeatedHint(
  given: GivenIdentity,
  at: number,
  all: readonly GivenIdentity[],
): GivenIdentity {
  const repeated = all.slice(0, at).some(({ hint }) => hint !== '' && hint === given.hint);
  return repeated ? { ...given, hint: '' } : given;
}

function isSame(one: Entitlement, other: Entitlement): boolean {
  return (
    one.pending === other.pending &&
    one.crls === other.crls &&
    one.identities.length === other.identities.length &&
    one.identities.every(({ identity, hint }, at) => {
      const same = other.identities[at];
      return same?.identity === identity && same.hint === hint;
    })
  );
}
