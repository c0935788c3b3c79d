import type { ClockSkew } from '../../lib/clock-skew.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { HeldCredentials } from '../../policy/upstream/held-credentials.ts';
import type { Workload } from '../../policy/workload.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { ProxySubjects } from '../proxy-options.ts';
import { changedFields } from './changed-fields.ts';
import { identityOf, identityValues } from './identity-values.ts';
import type { SubjectChange, WorkerStart } from './worker-protocol.ts';

/** What workers follow: keys and met authorities are common to all of them. */
export type WorkerSubjects = ProxySubjects &
  Required<Pick<ProxySubjects, 'ticketKeys' | 'issuers'>>;

/** What a proxy in another thread follows is now. */
export function subjectValues(subjects: WorkerSubjects): Omit<WorkerStart, 'plan' | 'version'> {
  return {
    workload: subjects.workload.current,
    identity: identityValues(subjects.identity.current),
    facts: subjects.facts.current,
    clockSkew: subjects.clockSkew?.current,
    credentials: subjects.credentials?.current ?? new Map(),
    ticketKeys: subjects.ticketKeys.current,
    issuers: subjects.issuers.current,
  };
}

/** Tells of each change from now on, in the order in which they happen. Returns the way to stop. */
export function followSubjects(
  subjects: WorkerSubjects,
  changed: (change: SubjectChange) => void,
): () => void {
  const stops = [
    // Before what they are replaced for.
    subjects.ticketKeys.subscribe((keys) => changed({ ticketKeys: keys })),
    subjects.issuers.subscribe((issuers) => changed({ issuers })),
    subjects.credentials?.subscribe((credentials) => changed({ credentials })),
    subjects.identity.subscribe((next, previous) =>
      changed({ identity: identityValues(next, previous) }),
    ),
    subjects.facts.subscribe((next, previous) => changed({ facts: changedFields(next, previous) })),
    subjects.workload.subscribe((next, previous) =>
      changed({ workload: changedFields(next, previous) }),
    ),
    subjects.clockSkew?.subscribe((clockSkew) => changed({ clockSkew })),
  ];
  return () => {
    for (const stop of stops) stop?.();
  };
}

/** The same in the other thread. What did not change stays the same object. */
export class FollowedSubjects implements WorkerSubjects {
  readonly workload: WatchableValue<Workload>;
  readonly identity: WatchableValue<Identity>;
  readonly facts: WatchableValue<MeshFacts>;
  readonly clockSkew: WatchableValue<ClockSkew | undefined>;
  readonly credentials: WatchableValue<HeldCredentials>;
  readonly ticketKeys: WatchableValue<Uint8Array>;
  readonly issuers: WatchableValue<readonly Uint8Array[]>;

  /** @throws {MeshError} ERR_DER or ERR_SVID for an identity that is none. */
  constructor(start: Omit<WorkerStart, 'plan' | 'version'>) {
    const { workload, identity, facts, clockSkew } = start;
    this.workload = new WatchableValue(workload);
    this.identity = new WatchableValue(identityOf(identity));
    this.facts = new WatchableValue(facts);
    this.clockSkew = new WatchableValue(clockSkew);
    this.credentials = new WatchableValue(start.credentials);
    this.ticketKeys = new WatchableValue(start.ticketKeys);
    this.issuers = new WatchableValue(start.issuers);
  }

  apply(change: SubjectChange): void {
    const { workload, identity, facts, ticketKeys, issuers, credentials } = change;
    if (ticketKeys !== undefined) this.ticketKeys.set(ticketKeys);
    if (issuers !== undefined) this.issuers.set(issuers);
    if (credentials !== undefined) this.credentials.set(credentials);
    if (identity !== undefined) this.identity.set(identityOf(identity, this.identity.current));
    if (facts !== undefined) this.facts.set({ ...this.facts.current, ...facts });
    if (workload !== undefined) this.workload.set({ ...this.workload.current, ...workload });
    if ('clockSkew' in change) this.clockSkew.set(change.clockSkew);
  }
}
