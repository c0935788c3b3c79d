import type { ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import type { LogAnswer, WorkloadLogService } from '../../gen/hauberk/logs/v1/workload_log_pb.js';
import { MeshError } from '../../lib/errors.ts';
import { nodeHeader } from '../../xds/heartbeat-headers.ts';
import { grpcError } from '../grpc-error.ts';
import { peerEvidenceKey } from '../issuance/peer-evidence.ts';
import { type ALL_KEPT, LogLink, type LogLinkLine } from './log-link.ts';

export interface WorkloadLogsOptions {
  /** Only who has an SVID is listened to. */
  readonly attestor: Attestor;
  /** Ends every stream when the control plane stops. */
  readonly signal: AbortSignal;
}

/** Whose log it is: a workload's name, and the service account whose certificate its agent shows. */
export interface LoggedWorkload {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly name: string;
}

/** Reads the logs of sidecars, which they keep themselves, through the connections of their agents. */
export class WorkloadLogs {
  readonly #options: WorkloadLogsOptions;
  readonly #links = new Map<string, LogLink>();

  constructor(options: WorkloadLogsOptions) {
    this.#options = options;
  }

  /** What agents call. */
  readonly service: ServiceImpl<typeof WorkloadLogService> = {
    serve: (answers, context) => this.#serve(answers, context),
  };

  /** Whether an agent is there that can be asked. */
  isThere(workload: LoggedWorkload): boolean {
    return this.#links.has(keyOf(workload));
  }

  /**
   * The lines that the sidecar keeps and, while `follow`, those to come, until its agent has gone or
   * `signal` aborts. Nothing where there is no agent.
   */
  async *lines(
    workload: LoggedWorkload,
    { follow }: { readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<LogLinkLine | typeof ALL_KEPT> {
    const link = this.#links.get(keyOf(workload));
    if (link !== undefined) yield* link.ask(follow, signal);
  }

  async *#serve(
    answers: AsyncIterable<LogAnswer>,
    context: Parameters<ServiceImpl<typeof WorkloadLogService>['serve']>[1],
  ) {
    const { attestor, signal } = this.#options;
    const key = await this.#callerOf(context, attestor);
    const link = new LogLink();
    // A sidecar that takes over is asked from now on; its predecessor answers what it was asked.
    this.#links.set(key, link);
    try {
      yield* link.run(answers, AbortSignal.any([signal, context.signal]));
    } finally {
      if (this.#links.get(key) === link) this.#links.delete(key);
    }
  }

  async #callerOf(
    { values, requestHeader }: Parameters<ServiceImpl<typeof WorkloadLogService>['serve']>[1],
    attestor: Attestor,
  ): Promise<string> {
    try {
      const { chain } = values.get(peerEvidenceKey);
      const { id } = await identifyCaller([attestor], { chain, bearer: undefined });
      if (id.workload === undefined) {
        throw new MeshError('ERR_FORBIDDEN', `"${id}" is not the identity of a service account`);
      }
      const node = requestHeader.get(nodeHeader) ?? '';
      const name = node.slice(node.indexOf('/') + 1).slice(0, 253);
      return keyOf({ ...id.workload, name });
    } catch (error) {
      throw grpcError(error);
    }
  }
}

function keyOf({ namespace, serviceAccount, name }: LoggedWorkload): string {
  return `${namespace}/${serviceAccount}/${name}`;
}
