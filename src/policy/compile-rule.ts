import type { AuthorizationPolicy } from '../resources/kinds/authorization-policy.ts';
import type { ConnectionFacts, Decision, PolicyReference } from './authorize.ts';
import type { ConnectionMatch, FieldContext } from './connection-field.ts';
import { quoteAll } from './quote.ts';
import { conditionFields, type FieldUse, operationFields, sourceFields } from './rule-fields.ts';

export type RuleSpec = NonNullable<AuthorizationPolicy['spec']['rules']>[number];
export type RuleAction = 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM';

/** One field with its values, ready to be asked. */
export interface Predicate {
  /** As written: `principals ["a", "b"]`. */
  readonly text: string;
  readonly negated: boolean;
  /** Whether any of the values matches, before negation. */
  readonly matchesValue: ConnectionMatch;
  readonly describe: (connection: ConnectionFacts) => string;
}

/** Predicates of which all must hold; none hold always. */
export type Conjunction = readonly Predicate[];

/** A rule as a TCP connection meets it (istio-semantics 3.4 and 3.9). */
export interface CompiledRule {
  readonly reference: PolicyReference;
  /** Of which one must hold; none given hold always. */
  readonly from: readonly Conjunction[];
  readonly to: readonly Conjunction[];
  readonly when: Conjunction;
  /** Why the rule cannot match any TCP connection; undefined when it can. */
  readonly never: string | undefined;
  /** What makes the decision surprising: predicates left out, a missing provider. */
  readonly notes: readonly string[];
  /** The decision to allow by this rule, made once so that allowing allocates nothing. */
  readonly allowed: Decision;
}

export interface RuleContext extends FieldContext {
  readonly reference: PolicyReference;
  readonly action: RuleAction;
  /** What is to be said of the rule whatever it contains. */
  readonly notes: readonly string[];
}

/**
 * The TCP rendering of one rule. What cannot be asked of a TCP connection (HTTP fields, invalid
 * values) makes an ALLOW rule match nothing and any other rule match more; an unknown `when` key
 * makes every rule match nothing.
 */
export function compileRule(spec: RuleSpec, context: RuleContext): CompiledRule {
  const rendering = new TcpRendering(context);
  const when = (spec.when ?? []).flatMap(conditionFields);
  const unknown = when.find(({ subject }) => subject === 'unknown');
  if (unknown !== undefined) {
    return neverMatching(context, `${unknown.label} is no attribute, so the rule is left out`);
  }
  const rule = {
    ...ruleBase(context),
    from: (spec.from ?? []).map(({ source }) => rendering.conjunction(sourceFields(source))),
    to: (spec.to ?? []).map(({ operation }) => rendering.conjunction(operationFields(operation))),
    when: rendering.conjunction(when),
  };
  const notes = [...context.notes, ...rendering.leftOut];
  return { ...rule, notes, never: rendering.never };
}

/** What stands for a rule, or for a policy without rules, that matches no connection. */
export function neverMatching(context: RuleContext, because: string): CompiledRule {
  return { ...ruleBase(context), from: [], to: [], when: [], never: because };
}

function ruleBase({
  reference,
  notes,
}: RuleContext): Pick<CompiledRule, 'reference' | 'notes' | 'allowed'> {
  return {
    reference,
    notes,
    allowed: Object.freeze({ verdict: 'allow', by: reference, audited: [], shadow: [] }),
  };
}

/** Collects what a TCP connection cannot answer while the rest of a rule is compiled. */
class TcpRendering {
  readonly #context: RuleContext;
  readonly leftOut: string[] = [];
  never: string | undefined;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  conjunction(uses: readonly FieldUse[]): Conjunction {
    return uses.map((use) => this.#predicate(use)).filter((predicate) => predicate !== undefined);
  }

  #predicate({ label, subject, values, negated }: FieldUse): Predicate | undefined {
    const text = `${label} ${quoteAll(values)}`;
    if (typeof subject === 'string') {
      this.#cannotAsk(`${text} can be seen in HTTP only`);
      return undefined;
    }
    const { isValid = () => true } = subject;
    const usable = values.filter(isValid);
    if (usable.length < values.length) {
      const invalid = values.filter((value) => !isValid(value));
      this.#cannotAsk(`${label} ${quoteAll(invalid)} cannot be read`);
    }
    if (usable.length === 0) return undefined;
    return {
      text,
      negated,
      matchesValue: subject.matchAny(usable, this.#context),
      describe: subject.describe,
    };
  }

  #cannotAsk(what: string): void {
    const { action } = this.#context;
    if (action === 'ALLOW')
      this.never ??= `${what}, so an ALLOW rule with it matches no TCP connection`;
    else this.leftOut.push(`${what}, so it is left out and the rule matches more TCP connections`);
  }
}
