import type { WorkloadDenial } from '../../policy/questions/recorded-denial.ts';

/** Of the whole mesh. */
const MOST = 20_000;
/** Of one workload, so that none takes the room of the others. */
const MOST_OF_ONE = 2_000;

/** The last refused requests of each workload, in memory; beyond its bounds the oldest go. */
export class RecentDenials {
  readonly #byWorkload = new Map<string, WorkloadDenial[]>();
  #size = 0;

  add(denial: WorkloadDenial): void {
    const place = `${denial.namespace}/${denial.workload}`;
    const denials = this.#byWorkload.get(place) ?? [];
    denials.push(denial);
    this.#size += 1;
    // the workload that was heard of longest ago stands first
    this.#byWorkload.delete(place);
    this.#byWorkload.set(place, denials);
    if (denials.length > MOST_OF_ONE) this.#forget(denials);
    while (this.#size > MOST) this.#forgetOne();
  }

  /** Those with an id, newest first; callers may give several requests one. */
  withId(requestId: string): readonly WorkloadDenial[] {
    return [...this.#byWorkload.values()]
      .flatMap((denials) => denials.filter((each) => each.requestId === requestId))
      .toSorted((a, b) => b.atMs - a.atMs);
  }

  #forgetOne(): void {
    const [first] = this.#byWorkload;
    if (first === undefined) return;
    const [place, denials] = first;
    this.#forget(denials);
    if (denials.length === 0) this.#byWorkload.delete(place);
  }

  #forget(denials: WorkloadDenial[]): void {
    if (denials.shift() !== undefined) this.#size -= 1;
  }
}
