import type { Decision } from '../../policy/authorization/decision.ts';
import type { Admission, Enforcement } from '../enforcement.ts';
import type { Ends } from '../proxy-events.ts';
import type { Reporter } from '../reporter.ts';
import type { ExternalAuthorizer } from './external-authorizer.ts';
import type { OpaqueGuard } from './http-join.ts';

export interface ConnectionGuardOptions {
  readonly enforcement: Enforcement;
  readonly admission: Admission;
  readonly ends: Ends;
  readonly reporter: Reporter;
  readonly authorizer: ExternalAuthorizer;
}

type AskDecision = Extract<Decision, { verdict: 'ask' }>;

/** Judges one connection whose bytes are no HTTP: providers of CUSTOM policies, then the other policies. */
export class ConnectionGuard implements OpaqueGuard {
  readonly #options: ConnectionGuardOptions;
  /** Name of the provider that did not refuse. */
  #agreed: string | undefined;

  constructor(options: ConnectionGuardOptions) {
    this.#options = options;
  }

  admit(): string | undefined | Promise<string | undefined> {
    const { enforcement, admission } = this.#options;
    if (!enforcement.judgeTransport(admission).allowed) return this.refusal();
    const custom = this.#custom();
    return custom?.verdict === 'ask' ? this.#ask(custom) : this.refusal();
  }

  refusal(): string | undefined {
    const { enforcement, admission } = this.#options;
    const custom = this.#custom();
    const answered = custom?.verdict === 'ask' && custom.provider.name === this.#agreed;
    const verdict = enforcement.judge(admission, answered ? 'answered' : 'pending');
    return verdict.allowed ? undefined : verdict.decision;
  }

  refused(decision: string): void {
    const { reporter, ends } = this.#options;
    reporter.denied(ends, { reason: 'authorization', decision });
  }

  #custom(): Decision | undefined {
    const { enforcement, admission } = this.#options;
    return enforcement.authorization.custom({ connection: admission.facts });
  }

  async #ask({ provider, by }: AskDecision): Promise<string | undefined> {
    const { admission, reporter, authorizer } = this.#options;
    const answer = await authorizer({
      ...{ provider, connection: admission.facts, peer: admission.peer, ownId: reporter.ownId },
      ...{ request: undefined, body: undefined, requestId: '' },
    });
    if (!answer.allowed) {
      const policy = `AuthorizationPolicy ${by.namespace}/${by.name} rule[${by.rule}]`;
      return `${policy}: provider "${provider.name}" ${answer.failure ?? 'refuses'}`;
    }
    this.#agreed = provider.name;
    return this.refusal();
  }
}
