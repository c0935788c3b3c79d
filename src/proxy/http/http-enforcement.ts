import type { Clock } from '../../lib/clock.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Authorization } from '../../policy/authorization/authorization.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import { type TokenRule, tokenRules } from '../../policy/tokens/token-rules.ts';
import type { Workload } from '../../policy/workload.ts';
import { sameJson } from '../../resources/same-json.ts';
import { Deadlines } from '../deadlines.ts';
import type { Admission, Enforcement, Verdict } from '../enforcement.ts';
import type { FirstBytesWait } from '../inbound/first-bytes-wait.ts';
import type { ProxyLimits } from '../limits.ts';
import type { LiveSettings } from '../live-settings.ts';
import type { Ends } from '../proxy-events.ts';
import type { Reporter } from '../reporter.ts';
import { TokenGate } from '../tokens/token-gate.ts';
import { ConnectionGuard } from './connection-guard.ts';
import type { ExternalAuthorizer } from './external-authorizer.ts';
import { type HttpJoin, httpJoin } from './http-join.ts';
import { RequestGuard } from './request-guard.ts';

export interface HttpEnforcementOptions {
  readonly enforcement: Enforcement;
  readonly workload: Watchable<Workload>;
  readonly settings: LiveSettings;
  readonly facts: Watchable<MeshFacts>;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly authorizer: ExternalAuthorizer;
  readonly limits: Pick<ProxyLimits, 'headTimeoutMs'>;
  readonly lingerDeadlines: Deadlines;
  readonly firstBytesWait: FirstBytesWait;
}

/** What one generation of policies says about requests. */
export interface RequestPolicies {
  readonly authorization: Authorization;
  readonly tokens: TokenGate;
}

/**
 * Which connections are read as HTTP, and what their requests are judged by. Only where some policy or
 * token rule looks at requests; elsewhere bytes are just bytes.
 */
export class HttpEnforcement {
  readonly #options: HttpEnforcementOptions;
  #tokens: TokenGate;
  #rules: readonly TokenRule[];
  #keySets: MeshFacts['keySets'];
  #tokensOf: number;
  readonly #headDeadlines: Deadlines;

  constructor(options: HttpEnforcementOptions) {
    this.#options = options;
    this.#headDeadlines = new Deadlines(options.clock, options.limits.headTimeoutMs);
    this.#rules = this.#tokenRules();
    this.#keySets = options.facts.current.keySets;
    this.#tokens = new TokenGate(this.#rules, this.#keySets, options.clock);
    this.#tokensOf = options.enforcement.generation;
  }

  /** What requests are judged by now. */
  get policies(): RequestPolicies {
    return { authorization: this.#options.enforcement.authorization, tokens: this.#tokenGate() };
  }

  /**
   * How the requests of a new connection are judged, or who is asked about it; undefined where its bytes are just
   * bytes.
   */
  joinFor(admission: Admission, ends: Ends): HttpJoin | undefined {
    const { enforcement } = this.#options;
    const declared = enforcement.protocol(admission.facts.destinationPort);
    const protocol = this.#looksAtHttp(admission.facts.destinationPort) ? declared : 'opaque';
    const decision = protocol === 'opaque' ? this.#asking(admission) : undefined;
    if (protocol === 'opaque' && decision === undefined) return undefined;
    const { lingerDeadlines, firstBytesWait } = this.#options;
    const firstByteDeadlines = firstBytesWait.for(admission.facts.destinationPort);
    return httpJoin({
      ...{
        protocol,
        decision,
        lingerDeadlines,
        firstByteDeadlines,
        headDeadlines: this.#headDeadlines,
      },
      guard: new RequestGuard({
        ...this.#options,
        ...{ admission, ends },
        policies: () => this.policies,
      }),
      opaque: new ConnectionGuard({ ...this.#options, admission, ends }),
    });
  }

  /**
   * Whether an open connection may stay after a change. One whose bytes were not read as HTTP, and
   * would be now, may not: its requests would be judged by nobody.
   */
  recheck(admission: Admission, join: HttpJoin | undefined): Verdict {
    const { enforcement } = this.#options;
    const { destinationPort: port } = admission.facts;
    if (join === undefined) {
      const unread =
        this.#looksAtHttp(port) && this.#options.enforcement.protocol(port) !== 'opaque';
      if (!unread) return enforcement.judge(admission);
      const decision = `requests to port ${port} are judged one by one now, so it must be opened again`;
      return { allowed: false, reason: 'authorization', decision };
    }
    const transport = enforcement.judgeTransport(admission);
    if (!transport.allowed) return transport;
    const refusal = join.recheck();
    return refusal === undefined
      ? transport
      : { allowed: false, reason: 'authorization', decision: refusal };
  }

  stop(): void {
    this.#headDeadlines.close();
  }

  /** Which policy has somebody asked about a connection of TCP; undefined where none has. */
  #asking({ facts }: Admission): string | undefined {
    const { authorization } = this.#options.enforcement;
    const call = { connection: facts };
    const custom = authorization.custom(call);
    return custom?.verdict === 'ask' ? authorization.explain(call, custom).text : undefined;
  }

  #looksAtHttp(port: number): boolean {
    const { authorization, tokens } = this.policies;
    return tokens.needed || authorization.needsHttp(port);
  }

  /** The same one, with the tokens that it knows, for as long as its rules and keys are the same. */
  #tokenGate(): TokenGate {
    const { enforcement, facts, clock } = this.#options;
    if (this.#tokensOf === enforcement.generation) return this.#tokens;
    this.#tokensOf = enforcement.generation;
    const rules = this.#tokenRules();
    const { keySets } = facts.current;
    if (keySets === this.#keySets && sameRules(rules, this.#rules)) return this.#tokens;
    this.#rules = rules;
    this.#keySets = keySets;
    this.#tokens = new TokenGate(rules, keySets, clock);
    return this.#tokens;
  }

  #tokenRules(): readonly TokenRule[] {
    const { facts, workload, settings } = this.#options;
    return tokenRules(facts.current.requestAuthentications, workload.current, settings.current);
  }
}

function sameRules(one: readonly TokenRule[], other: readonly TokenRule[]): boolean {
  const plain = (rules: readonly TokenRule[]) =>
    rules.map((rule) => ({ ...rule, spaceDelimited: [...rule.spaceDelimited] }));
  return sameJson(plain(one), plain(other));
}
