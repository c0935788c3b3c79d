/** Something of the control plane's own work that failed lately. */
export interface RecentFailure {
  readonly task: string;
  readonly reason: string;
  /** When last, in milliseconds since 1970. */
  readonly atMs: number;
  readonly count: number;
}

const KEPT_MS = 3_600_000;
const MOST_TASKS = 32;

/** The failures of the last hour, one entry a task, newest first. */
export class RecentFailures {
  readonly #now: () => number;
  readonly #byTask = new Map<string, RecentFailure>();

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly taskFailed = ({ task, reason }: Pick<RecentFailure, 'task' | 'reason'>): void => {
    const count = (this.#byTask.get(task)?.count ?? 0) + 1;
    this.#byTask.delete(task);
    this.#byTask.set(task, { task, reason, atMs: this.#now(), count });
    const [oldest] = this.#byTask.keys();
    if (this.#byTask.size > MOST_TASKS && oldest !== undefined) this.#byTask.delete(oldest);
  };

  list(): readonly RecentFailure[] {
    const sinceMs = this.#now() - KEPT_MS;
    return [...this.#byTask.values()].filter(({ atMs }) => atMs >= sinceMs).toReversed();
  }
}
