import type { CertificateAuthority, SlotCertificates } from '../../ca/certificate-authority.ts';
import type { KeySlots, RotationOrder } from '../../ca/rotation.ts';
import { dueRotation } from '../../ca/rotation-schedule.ts';
import { nextStep, type RotationStep } from '../../ca/rotation-step.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import type { BundlePublisher, Published } from '../bundles/bundle-publisher.ts';
import type { AuthorityStep, ControlEvents } from '../control-events.ts';
import type { IssuanceLedger } from '../issuance/issuance-ledger.ts';
import type { CrlPublisher } from '../revocation/crl-publisher.ts';
import type { Revocations } from '../revocation/revocations.ts';
import type { RotationFindings } from './rotation-evidence.ts';
import { type RotationStatus, rotationStatus } from './rotation-status.ts';

export interface RotationServiceOptions {
  readonly authority: CertificateAuthority;
  readonly publisher: Pick<BundlePublisher, 'publish'>;
  readonly lists: Pick<CrlPublisher, 'publish'>;
  /** Who stands in the way, of a bundle that is stored since this version. */
  readonly evidence: (version: number) => Promise<RotationFindings>;
  readonly revocations: Pick<Revocations, 'revoke'>;
  readonly ledger: Pick<IssuanceLedger, 'writeOff'>;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'authorityRotated' | 'taskFailed'>;
}

/** Within how long workloads renew what an old key has signed, when nobody says otherwise. */
export const RENEW_WITHIN_MS = 600_000;

const SCHEDULE_MS = 3_600_000;
const FIRST_LOOK_MS = 250;
const LONGEST_LOOK_MS = 10_000;
const RETRY_MS = 2_000;
/** The actor of steps that nobody asked for one by one. */
const BY_ITSELF = 'control-plane';

/** Carries rotations of the authority through their phases; what it knows is in the authority's slots. */
export class RotationService {
  readonly #options: RotationServiceOptions;
  #wake: AbortController = new AbortController();
  #noScheduleBeforeMs = 0;
  /** Of this phase: each is told of once. */
  #givenUp = { sinceMs: 0, names: new Set<string>() };

  constructor(options: RotationServiceOptions) {
    this.#options = options;
  }

  /**
   * Begins a rotation; or, where one is under way and the order waives somebody or says that the key
   * is compromised, changes that one.
   *
   * @throws {MeshError} ERR_CONFLICT, ERR_FORBIDDEN.
   */
  async order(order: RotationOrder, actor: string): Promise<void> {
    const { rotation, slots } = this.#options.authority;
    const present = slots.current.rotation;
    // A compromised root is not healed by what hastens the rotation of an intermediate.
    const meant =
      order.role === 'intermediate' || (present.phase !== 'steady' && present.role === 'root');
    const change = order.compromised || order.waived.length > 0;
    if (present.phase !== 'steady' && meant && change) {
      await rotation.amend({ waive: order.waived, compromised: order.compromised });
      this.#report('amend', actor);
    } else {
      await rotation.prepare(order);
      this.#report('prepare', actor);
    }
    this.#wake.abort();
  }

  /**
   * Gives up what is under way, before the new key signs. What is due by age begins again at the next
   * look at the schedule, within the hour.
   *
   * @throws {MeshError} ERR_CONFLICT when it is too late, or there is none.
   */
  async abort(actor: string): Promise<void> {
    const { authority, clock } = this.#options;
    const slots = authority.slots.current;
    await authority.rotation.abort();
    this.#noScheduleBeforeMs = clock.elapsedMs() + SCHEDULE_MS;
    this.#report('abort', actor, slots);
    this.#wake.abort();
  }

  /** Goes on at once with what somebody else has prepared. */
  prepared(actor: string): void {
    this.#report('prepare', actor);
    this.#wake.abort();
  }

  async status(): Promise<RotationStatus> {
    const { authority, evidence, clock } = this.#options;
    const published = await this.#publish();
    const findings = await evidence(published.version);
    const { trustDomain, slots, bundle } = authority;
    const { ownKeys } = authority.rotation;
    const known = { trustDomain, slots: slots.current, ownKeys, bundle: bundle.current };
    return rotationStatus({ ...known, published, findings, nowMs: clock.now() });
  }

  /** Takes each step as soon as nothing stands in its way, and begins what is due by age. */
  readonly run: Task = async (signal) => {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const restMs = await this.#lookAgainIn();
      await this.#options.clock.sleep(restMs, AbortSignal.any([signal, this.#wake.signal]));
    }
  };

  async #lookAgainIn(): Promise<number> {
    try {
      const { step } = await this.#advance();
      if (step === 'none') return SCHEDULE_MS;
      return step === 'wait' ? this.#patienceMs() : 0;
    } catch (error) {
      const reason = messageOf(error);
      this.#options.events.taskFailed({ task: 'rotate the authority', reason });
      return RETRY_MS;
    }
  }

  /** The longer it waits already, the less often it looks. */
  #patienceMs(): number {
    const { authority, clock } = this.#options;
    const { rotation } = authority.slots.current;
    const sinceMs = rotation.phase === 'steady' ? 0 : clock.now() - rotation.sinceMs;
    return Math.min(LONGEST_LOOK_MS, Math.max(FIRST_LOOK_MS, sinceMs / 20));
  }

  async #advance(): Promise<RotationStep> {
    const { authority, evidence } = this.#options;
    const slots = authority.slots.current;
    const { version } = await this.#publish();
    if (slots.rotation.phase === 'steady') return this.#begin(slots);
    const findings = await evidence(version);
    const decided = nextStep(slots, findings);
    // Amended meanwhile: what was found is to be judged anew.
    if (slots !== authority.slots.current) return { step: 'wait', for: [] };
    this.#tellGivenUp(findings, slots.rotation.sinceMs);
    if (decided.step === 'activate') {
      await authority.rotation.activate();
      this.#report('activate', BY_ITSELF);
    }
    if (decided.step === 'retire') {
      await this.#revokeCompromised(slots);
      await authority.rotation.retire();
      this.#writeOff(slots);
      this.#report('retire', BY_ITSELF, slots);
    }
    return decided;
  }

  /** The bundle, and the list of each key before it signs. */
  async #publish(): Promise<Published> {
    const { publisher, lists } = this.#options;
    const { version, sequence } = await publisher.publish();
    return { version: Math.max(version, await lists.publish()), sequence };
  }

  async #begin({ current }: KeySlots<SlotCertificates>): Promise<RotationStep> {
    const { authority, clock } = this.#options;
    const { rotation } = authority;
    const mayBegin = rotation.ownKeys && clock.elapsedMs() >= this.#noScheduleBeforeMs;
    const role = mayBegin ? dueRotation(current, clock.now()) : undefined;
    if (role === undefined) return { step: 'none' };
    const order = { role, compromised: false, renewWithinMs: RENEW_WITHIN_MS, waived: [] };
    await rotation.prepare(order);
    this.#report('prepare', BY_ITSELF);
    // Its next step is decided at once.
    return { step: 'activate' };
  }

  /** Before the key is forgotten here: what another has signed with it is on no list. */
  async #revokeCompromised({ rotation }: KeySlots<SlotCertificates>): Promise<void> {
    if (rotation.phase !== 'retiring' || !rotation.compromised) return;
    const { revocations, authority, clock } = this.#options;
    const { root, signer } = rotation.old;
    const about = { attestor: 'authority', peerAddress: 'local', issuedAtMs: clock.now() };
    const certificates = (rotation.role === 'root' ? [signer, root] : [signer]).map((ca) => ({
      ...{ serial: ca.serial, id: authority.trustDomain.id, issuerSerial: root.serial, ...about },
      ...{ notBeforeMs: ca.notBeforeMs, notAfterMs: ca.notAfterMs },
    }));
    const order = { identity: undefined, reason: 'keyCompromise', actor: BY_ITSELF } as const;
    await revocations.revoke({ certificates, ...order });
  }

  /** Whoever was waived cannot come back with what it has, so that no later rotation waits for it. */
  #writeOff({ rotation }: KeySlots<SlotCertificates>): void {
    const { ledger, authority, clock } = this.#options;
    if (rotation.phase !== 'retiring' || !(rotation.role === 'root' || rotation.compromised))
      return;
    ledger.writeOff(authority.intermediate.serial, clock.now());
  }

  /** Whoever is not waited for any more may be without the new authority: that has to be on record. */
  #tellGivenUp({ agents }: RotationFindings, sinceMs: number): void {
    if (this.#givenUp.sinceMs !== sinceMs) this.#givenUp = { sinceMs, names: new Set() };
    const { names } = this.#givenUp;
    for (const { name: agent, lagging } of agents) {
      for (const { name, lacks, givenUp } of lagging) {
        const client = `${agent}/${name}`;
        if (!givenUp || names.has(client)) continue;
        this.#report('give-up', BY_ITSELF, undefined, { client, lacks });
        names.add(client);
      }
    }
  }

  #report(
    step: AuthorityStep,
    actor: string,
    slots: KeySlots<SlotCertificates> = this.#options.authority.slots.current,
    about: { readonly client?: string; readonly lacks?: string } = {},
  ): void {
    const { current, rotation } = slots;
    if (rotation.phase === 'steady') return;
    const { role, compromised, waived } = rotation;
    const [next, old] =
      rotation.phase === 'distributing' ? [rotation.next, current] : [current, rotation.old];
    this.#options.events.authorityRotated({
      ...{ step, role, compromised, waived, actor },
      ...{ oldSerial: old.signer.serial, newSerial: next.signer.serial, ...about },
    });
  }
}
