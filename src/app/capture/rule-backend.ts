import type { CapturePlan } from '../../proxy/capture/capture-plan.ts';

export type BackendName = 'nft' | 'iptables';

/** How many connections one kind of rule has caught. */
export interface CaughtByRule {
  /** `outbound`, `inbound`, `dns udp`, `dns tcp`. */
  readonly rule: string;
  readonly connections: number;
}

/** A capture that is in the kernel. */
export interface MadeCapture {
  readonly name: string;
  readonly backend: BackendName;
  readonly caught: readonly CaughtByRule[];
}

/** A way to make rules; what is made is found again by its name alone, nothing is kept on disk. */
export interface RuleBackend {
  readonly name: BackendName;
  /** What `up` would give the kernel. */
  render(plan: CapturePlan): Promise<string>;
  /** Makes the rules, in place of those of the same name; all or none. @throws {MeshError} ERR_RULES */
  up(plan: CapturePlan): Promise<void>;
  /** Takes away the rules of that name; false when there are none. @throws {MeshError} ERR_RULES */
  down(name: string): Promise<boolean>;
  list(): Promise<readonly MadeCapture[]>;
}

/** One line for each kind of rule, of the lines that have one each. */
export function summed(lines: readonly CaughtByRule[]): readonly CaughtByRule[] {
  const sums = new Map<string, number>();
  for (const { rule, connections } of lines) sums.set(rule, (sums.get(rule) ?? 0) + connections);
  return [...sums].map(([rule, connections]) => ({ rule, connections }));
}
