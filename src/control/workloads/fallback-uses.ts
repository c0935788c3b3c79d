import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import type {
  FallbackReportService,
  FallbackUse as WireUse,
} from '../../gen/hauberk/fallbacks/v1/fallbacks_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import type { FallbackUse } from '../../policy/fallback-use.ts';
import { qualifiedKind } from '../../resources/kind-definition.ts';
import { type FallbackPolicy, fallbackPolicy } from '../../resources/kinds/fallback-policy.ts';
import type { Store } from '../../store/store.ts';
import type { ControlEvents } from '../control-events.ts';
import { grpcError } from '../grpc-error.ts';
import { type PeerEvidence, peerEvidenceKey } from '../issuance/peer-evidence.ts';

export interface FallbackUsesOptions {
  readonly store: Pick<Store, 'get' | 'commit'>;
  readonly rootNamespace: string;
  /** Only who has an SVID is listened to, about its own namespace. */
  readonly attestor: Attestor;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'fallbackReported' | 'taskFailed'>;
}

/** What waits to be written into a policy's status. */
interface Pending {
  readonly uses: number;
  readonly lastUsedMs: number;
  readonly lastUsedBy: string;
}

const KIND = qualifiedKind(fallbackPolicy);
const MOST_AT_ONCE = 64;
const LONGEST_TEXT = 2_048;
const LONGEST_NAME = 253;
const MOST_PENDING = 1_000;
/** As far as dates go. */
const LARGEST = 8.64e15;
const WRITE_MS = 1_000;
/** A change of the status goes to all agents as a change of the policy: no policy is written more often. */
const REPEAT_MS = 30_000;

/** Hears from agents that FallbackPolicies were used, tells of it, and keeps count in the policies' status. */
export class FallbackUses {
  readonly #options: FallbackUsesOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #writtenAtMs = new Map<string, number>();

  constructor(options: FallbackUsesOptions) {
    this.#options = options;
  }

  readonly service: ServiceImpl<typeof FallbackReportService> = {
    report: async ({ workload, uses }, { values }) => {
      const { id, namespace } = await this.#caller(values.get(peerEvidenceKey));
      const isTooMuch = uses.length > MOST_AT_ONCE || workload.length > LONGEST_NAME;
      const heard = uses.map(useOf);
      if (isTooMuch || !heard.every((use) => this.#isOurs(use, namespace))) {
        throw new ConnectError(
          `at most ${MOST_AT_ONCE} uses of policies of the workload's own namespace or the root namespace are taken`,
          Code.InvalidArgument,
        );
      }
      for (const use of heard) {
        this.#options.events.fallbackReported({ id, workload: `${namespace}/${workload}`, use });
        this.#count(use, `${namespace}/${workload}`);
      }
      return {};
    },
  };

  readonly run: Task = async (signal) => {
    const { clock, events } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(WRITE_MS, signal);
      for (const [policy, pending] of [...this.#pending]) {
        const writtenAtMs = this.#writtenAtMs.get(policy) ?? Number.NEGATIVE_INFINITY;
        const sinceMs = clock.elapsedMs() - writtenAtMs;
        if (sinceMs < REPEAT_MS && !signal.aborted) continue;
        try {
          await this.#write(policy, pending);
        } catch (error) {
          const task = `note the use of FallbackPolicy ${policy}`;
          events.taskFailed({ task, reason: messageOf(error) });
        }
      }
    }
  };

  async #caller({ chain }: PeerEvidence): Promise<{ id: string; namespace: string }> {
    try {
      const { id } = await identifyCaller([this.#options.attestor], { chain, bearer: undefined });
      if (id.workload !== undefined) return { id: id.toString(), namespace: id.workload.namespace };
    } catch (error) {
      throw grpcError(error);
    }
    throw new ConnectError('the caller is no workload', Code.PermissionDenied);
  }

  /** Others hold for no workload of that namespace. */
  #isOurs({ policy, mode, whose, id, ...numbers }: FallbackUse, namespace: string): boolean {
    if ([policy, mode, id].some((text) => text.length > LONGEST_TEXT)) return false;
    if (Object.values(numbers).some((number) => number < 0 || number > LARGEST)) return false;
    const [home, name = '', ...more] = policy.split('/');
    const known = home === namespace || home === this.#options.rootNamespace;
    return known && name !== '' && more.length === 0 && (whose === 'own' || whose === 'peer');
  }

  #count({ policy, count, lastMs }: FallbackUse, workload: string): void {
    const before = this.#pending.get(policy);
    if (before === undefined && this.#pending.size >= MOST_PENDING) return;
    const isNewer = before === undefined || lastMs >= before.lastUsedMs;
    this.#pending.set(policy, {
      uses: (before?.uses ?? 0) + count,
      lastUsedMs: isNewer ? lastMs : before.lastUsedMs,
      lastUsedBy: isNewer ? workload : before.lastUsedBy,
    });
  }

  /** What fails stays pending: it is counted with what comes. */
  async #write(policy: string, { uses, lastUsedMs, lastUsedBy }: Pending): Promise<void> {
    const { store, clock } = this.#options;
    this.#writtenAtMs.set(policy, clock.elapsedMs());
    const [namespace = '', name = ''] = policy.split('/');
    const stored = await store.get({ kind: KIND, namespace, name });
    if (stored !== undefined) {
      const { status: before = {} } = stored as FallbackPolicy;
      const status = {
        ...before,
        uses: Number(before['uses'] ?? 0) + uses,
        lastUsed: new Date(lastUsedMs).toISOString(),
        lastUsedBy,
      };
      const expectVersion = stored.metadata.resourceVersion ?? '0';
      await store.commit([{ op: 'put', resource: { ...stored, status }, expectVersion }]);
    }
    const now = this.#pending.get(policy);
    const rest = (now?.uses ?? 0) - uses;
    if (now !== undefined && rest > 0) this.#pending.set(policy, { ...now, uses: rest });
    else this.#pending.delete(policy);
    if (stored === undefined) this.#writtenAtMs.delete(policy);
  }
}

function useOf({ count, firstMs, lastMs, notAfterMs, ...use }: WireUse): FallbackUse {
  const { policy, mode, id } = use;
  const numbers = { count: Number(count), firstMs: Number(firstMs), lastMs: Number(lastMs) };
  const whose = use.whose as FallbackUse['whose'];
  return { policy, mode, id, whose, ...numbers, notAfterMs: Number(notAfterMs) };
}
