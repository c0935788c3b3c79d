import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import type { Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import type { Call, CallRecordService, Denial } from '../../gen/hauberk/calls/v1/calls_pb.js';
import { addedUp, callKey, type WorkloadCall } from '../../policy/questions/recorded-call.ts';
import type { RecordedDenial } from '../../policy/questions/recorded-denial.ts';
import { grpcError } from '../grpc-error.ts';
import { peerEvidenceKey } from '../issuance/peer-evidence.ts';
import { RecentDenials } from './recent-denials.ts';

/** Of the whole mesh; beyond, the kind that was not seen for longest goes. */
const MOST_KINDS = 100_000;
/** Of one workload, so that none takes the room of the others. */
const MOST_OF_ONE = 4_096;
const MOST_AT_ONCE = 512;
const LONGEST_TEXT = 1_024;
const LONGEST_NAME = 253;

/** The calls that came to the mesh's workloads, by kind, and those that were refused last, in memory. */
export class CallRecords {
  readonly #attestor: Attestor;
  readonly #byWorkload = new Map<string, Map<string, WorkloadCall>>();
  readonly #denials = new RecentDenials();
  #kinds = 0;

  /** Only who has an SVID is listened to, about its own namespace. */
  constructor(attestor: Attestor) {
    this.#attestor = attestor;
  }

  /** Every kind of call that is remembered. */
  list(): readonly WorkloadCall[] {
    return [...this.#byWorkload.values()].flatMap((calls) => [...calls.values()]);
  }

  add(call: WorkloadCall): void {
    const place = `${call.namespace}/${call.workload}`;
    const calls = this.#byWorkload.getOrInsertComputed(place, () => new Map());
    const key = callKey(call);
    const before = calls.get(key);
    calls.delete(key);
    calls.set(key, before === undefined ? call : addedUp(before, call));
    if (before === undefined) this.#kinds += 1;
    if (calls.size > MOST_OF_ONE) this.#forgetOldest(calls);
    // the workload that was heard of longest ago stands first
    this.#byWorkload.delete(place);
    this.#byWorkload.set(place, calls);
    while (this.#kinds > MOST_KINDS) this.#forgetOne();
  }

  readonly service: ServiceImpl<typeof CallRecordService> = {
    report: async ({ workload, calls, denials }, { values }) => {
      const namespace = await this.#namespaceOf(values.get(peerEvidenceKey).chain);
      const tooMany = calls.length > MOST_AT_ONCE || denials.length > MOST_AT_ONCE;
      const tooLong = workload.length > LONGEST_NAME || [...calls, ...denials].some(isTooLong);
      if (tooMany || tooLong) {
        throw new ConnectError(
          `at most ${MOST_AT_ONCE} calls and as many denials, each text of ${LONGEST_TEXT} characters, are taken`,
          Code.InvalidArgument,
        );
      }
      for (const call of calls) this.add({ namespace, workload, ...recorded(call) });
      for (const denial of denials) {
        this.#denials.add({ namespace, workload, ...recordedDenial(denial) });
      }
      return {};
    },
  };

  readonly routes: OperatorRoutes = {
    'GET /v1/calls': async () => ({ calls: this.list() }),
    'GET /v1/denials': async ({ query }) => ({
      denials: this.#denials.withId(query.get('id') ?? ''),
    }),
  };

  async #namespaceOf(chain: Parameters<typeof identifyCaller>[1]['chain']): Promise<string> {
    try {
      const { id } = await identifyCaller([this.#attestor], { chain, bearer: undefined });
      if (id.workload !== undefined) return id.workload.namespace;
    } catch (error) {
      throw grpcError(error);
    }
    throw new ConnectError('the caller is no workload', Code.PermissionDenied);
  }

  #forgetOne(): void {
    const [first] = this.#byWorkload;
    if (first === undefined) return;
    this.#forgetOldest(first[1]);
    if (first[1].size === 0) this.#byWorkload.delete(first[0]);
  }

  #forgetOldest(calls: Map<string, WorkloadCall>): void {
    const [oldest] = calls.keys();
    if (oldest !== undefined && calls.delete(oldest)) this.#kinds -= 1;
  }
}

function isTooLong(call: Call | Denial): boolean {
  const { principal, sourceIp, method, path, host, decision, requestId } = call;
  const texts = [principal, sourceIp, method, path, host, decision, requestId];
  return texts.some((text) => text.length > LONGEST_TEXT);
}

function recordedDenial(denial: Denial): RecordedDenial {
  const { requestId, principal, sourceIp, port, method, path, host, status, decision } = denial;
  const asked = { requestId, principal, sourceIp, port, method, path, host, status, decision };
  return { ...asked, atMs: Number(denial.atMs) };
}

function recorded(call: Call) {
  const { principal, sourceIp, port, method, path, host, allowed, decision, requestId } = call;
  const http = method === '' ? undefined : { method, path, host };
  const { count, lastSeenMs } = call;
  const numbers = { count: Number(count), lastSeenMs: Number(lastSeenMs) };
  return { principal, sourceIp, port, http, allowed, decision, requestId, ...numbers };
}
