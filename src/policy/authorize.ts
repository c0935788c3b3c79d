import type { AuthorizationSet } from './compile-authorization.ts';
import type { CompiledRule } from './compile-rule.ts';
import { explainFailure, explainMatch } from './explain-rule.ts';
import { matchesRule } from './match-rule.ts';
import { listed } from './quote.ts';

/** What is known of a connection when it is let in or not, and whenever policies change after that. */
export interface ConnectionFacts {
  /** Identity of the verified peer certificate without `spiffe://`; undefined on plaintext. */
  readonly principal: string | undefined;
  /** Address of the direct peer; IPv4 peers may be written as IPv4-mapped IPv6. */
  readonly sourceIp: string;
  readonly destinationIp: string;
  /** Port of the workload, never that of a Service. */
  readonly destinationPort: number;
  /** Server name that the peer asked for in its ClientHello. */
  readonly sni?: string;
}

/** One rule of one AuthorizationPolicy; `rule` counts from 0 and is 0 for a policy without rules. */
export interface PolicyReference {
  readonly namespace: string;
  readonly name: string;
  readonly rule: number;
}

/** What the dry-run policies of one action would have decided by themselves (istio-semantics 3.12). */
interface ShadowResult {
  readonly action: 'ALLOW' | 'DENY';
  readonly verdict: 'allow' | 'deny';
  /** The dry-run rule that matched; undefined when none did. */
  readonly by: PolicyReference | undefined;
}

/** A rule of an ALLOW policy that did not let the connection in. */
interface ConsideredRule extends PolicyReference {
  /** The first predicate that failed, with the caller's value. */
  readonly because: string;
}

interface Observed {
  /** Rules of AUDIT policies that matched. Empty when a CUSTOM policy denied before them. */
  readonly audited: readonly PolicyReference[];
  readonly shadow: readonly ShadowResult[];
}

/** The verdict on a connection and who gave it. */
export type Decision = Observed &
  (
    | {
        readonly verdict: 'allow';
        /** Undefined: no ALLOW policy is attached to the workload. */
        readonly by: PolicyReference | undefined;
      }
    | {
        readonly verdict: 'deny';
        readonly reason: 'denied-by-policy';
        readonly by: PolicyReference;
        /** What of the rule matched, with the caller's values. */
        readonly because: string;
      }
    | {
        readonly verdict: 'deny';
        readonly reason: 'no-allow-matched';
        readonly considered: readonly ConsideredRule[];
      }
  );

const NONE: readonly never[] = Object.freeze([]);
const ALLOWED_BY_DEFAULT: Decision = Object.freeze({
  verdict: 'allow',
  by: undefined,
  audited: NONE,
  shadow: NONE,
});
const NOTHING_OBSERVED: Observed = Object.freeze({ audited: NONE, shadow: NONE });
const LISTED_RULES = 8;

/**
 * Whether `connection` may reach the workload that `set` was compiled for (istio-semantics 3.2):
 * CUSTOM, AUDIT, DENY, ALLOW. The same set and facts give the same decision.
 */
export function authorize(set: AuthorizationSet, connection: ConnectionFacts): Decision {
  const { custom, audit, deny, allow, dryRunDeny, dryRunAllow } = set.stages;
  const refusing = firstMatch(custom, connection);
  if (refusing !== undefined) return deniedBy(refusing, connection, NOTHING_OBSERVED);

  let observed = NOTHING_OBSERVED;
  if (audit.length > 0) observed = { ...observed, audited: allMatches(audit, connection) };
  if (dryRunDeny !== undefined) observed = withShadow(observed, 'DENY', dryRunDeny, connection);
  const denying = firstMatch(deny, connection);
  if (denying !== undefined) return deniedBy(denying, connection, observed);

  if (dryRunAllow !== undefined) observed = withShadow(observed, 'ALLOW', dryRunAllow, connection);
  if (allow === undefined) return allowedBy(ALLOWED_BY_DEFAULT, observed);
  const allowing = firstMatch(allow, connection);
  if (allowing !== undefined) return allowedBy(allowing.allowed, observed);
  const considered = allow.map((rule) => consider(rule, connection));
  return { verdict: 'deny', reason: 'no-allow-matched', considered, ...observed };
}

/** The decision in one line of printable ASCII, for logs and headers; names policy and rule. */
export function describeDecision(decision: Decision): string {
  if (decision.verdict === 'allow') {
    return decision.by === undefined
      ? 'allowed: no AuthorizationPolicy with action ALLOW applies to the workload'
      : `${describeReference(decision.by)}: allowed`;
  }
  if (decision.reason === 'denied-by-policy') {
    return `${describeReference(decision.by)}: denied, ${decision.because}`;
  }
  const rules = decision.considered.map((rule) => `${describeReference(rule)}: ${rule.because}`);
  return `denied, no ALLOW rule matches: ${listed(rules, LISTED_RULES, '; ')}`;
}

function describeReference({ namespace, name, rule }: PolicyReference): string {
  return `AuthorizationPolicy ${namespace}/${name} rule[${rule}]`;
}

function firstMatch(
  rules: readonly CompiledRule[],
  connection: ConnectionFacts,
): CompiledRule | undefined {
  for (const rule of rules) if (matchesRule(rule, connection)) return rule;
  return undefined;
}

function allMatches(
  rules: readonly CompiledRule[],
  connection: ConnectionFacts,
): readonly PolicyReference[] {
  return rules.filter((rule) => matchesRule(rule, connection)).map(({ reference }) => reference);
}

function withShadow(
  observed: Observed,
  action: ShadowResult['action'],
  rules: readonly CompiledRule[],
  connection: ConnectionFacts,
): Observed {
  const by = firstMatch(rules, connection)?.reference;
  const verdict = (by === undefined) === (action === 'ALLOW') ? 'deny' : 'allow';
  return { ...observed, shadow: [...observed.shadow, { action, verdict, by }] };
}

function allowedBy(ready: Decision, observed: Observed): Decision {
  return observed === NOTHING_OBSERVED ? ready : { ...ready, ...observed };
}

function deniedBy(rule: CompiledRule, connection: ConnectionFacts, observed: Observed): Decision {
  const because = explainMatch(rule, connection);
  return {
    verdict: 'deny',
    reason: 'denied-by-policy',
    by: rule.reference,
    because,
    ...observed,
  };
}

function consider(rule: CompiledRule, connection: ConnectionFacts): ConsideredRule {
  return { ...rule.reference, because: explainFailure(rule, connection) };
}
