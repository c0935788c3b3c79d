import type { MeshSettings } from '../mesh-settings.ts';
import type { AttachedPolicy } from './attached-policy.ts';
import { authorize, type CustomPhase } from './authorize.ts';
import type { Call, ConnectionFacts, RequestCall } from './call.ts';
import { compileStages, type Stages } from './compile-stages.ts';
import type { Decision } from './decision.ts';
import { type Explanation, explainDecision } from './explain-decision.ts';
import { seesHttp } from './sees-http.ts';
import { type Trace, traceDecision } from './trace-decision.ts';

/**
 * The authorization policies of one workload, compiled; what is asked about its calls. Never changes:
 * a change of policies makes another one. The rules for HTTP and those for TCP are made when first
 * asked for.
 */
export class Authorization {
  /** In order of evaluation: by action, then namespace and name. */
  readonly policies: readonly AttachedPolicy[];
  readonly #settings: MeshSettings;
  readonly #ports = new Map<number, boolean>();
  #tcp: Stages | undefined;
  #http: Stages | undefined;

  constructor(policies: readonly AttachedPolicy[], settings: MeshSettings) {
    this.policies = policies;
    this.#settings = settings;
  }

  /** Whether some policy looks at HTTP in calls to `port` of the workload. */
  needsHttp(port: number): boolean {
    const known = this.#ports.get(port);
    if (known !== undefined) return known;
    const needed = this.policies.some((policy) => seesHttp(policy, port));
    this.#ports.set(port, needed);
    return needed;
  }

  /**
   * Whether a connection that is not read as HTTP may be. An answer to ask somebody comes once:
   * with `answered`, CUSTOM policies are passed over.
   */
  authorizeConnection(connection: ConnectionFacts, custom: CustomPhase = 'pending'): Decision {
    return authorize(this.#stages('tcp'), { connection }, custom);
  }

  /** The same of one HTTP request. A token that is not known yet does not matter to CUSTOM policies. */
  authorizeRequest(request: RequestCall, custom: CustomPhase = 'pending'): Decision {
    return authorize(this.#stages('http'), request, custom);
  }

  /**
   * What CUSTOM policies say of a call, which is asked before its token is read: to ask somebody, a
   * denial, or undefined where none of them matches.
   */
  custom(call: Call): Decision | undefined {
    const stages = this.#stages(call.http === undefined ? 'tcp' : 'http');
    if (stages.custom === undefined) return undefined;
    const decision = authorize({ ...NO_STAGES, custom: stages.custom }, call, 'pending');
    return decision.verdict === 'allow' ? undefined : decision;
  }

  /** Why `decision` is the one on `call`. Costs more than to decide: for those that are shown. */
  explain(call: Call, decision: Decision): Explanation {
    return explainDecision(this.#stages(call.http === undefined ? 'tcp' : 'http'), call, decision);
  }

  /** Every rule that counted for `decision` on `call`. */
  trace(call: Call, decision: Decision): Trace {
    return traceDecision(this.#stages(call.http === undefined ? 'tcp' : 'http'), call, decision);
  }

  #stages(protocol: 'tcp' | 'http'): Stages {
    if (protocol === 'tcp') {
      this.#tcp ??= compileStages(this.policies, 'tcp', this.#settings);
      return this.#tcp;
    }
    this.#http ??= compileStages(this.policies, 'http', this.#settings);
    return this.#http;
  }
}

const NO_STAGES: Stages = {
  custom: undefined,
  audit: undefined,
  deny: undefined,
  dryRunDeny: undefined,
  allow: undefined,
  dryRunAllow: undefined,
};
