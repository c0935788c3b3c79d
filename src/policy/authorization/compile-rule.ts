import type { AuthorizationRule } from '../../resources/kinds/authorization-policy-schema.ts';
import { quoteAll } from '../quote.ts';
import type { Call } from './call.ts';
import type { Decision, PolicyReference } from './decision.ts';
import type { FieldContext } from './field.ts';
import { conditionFields, type FieldUse, operationFields, sourceFields } from './rule-fields.ts';
import type { PredicateIndex } from './term.ts';

export type RuleAction = 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM';
/** As what a call is seen. Policies are rendered for each (istio-semantics 3.9). */
export type Protocol = 'tcp' | 'http';

/** One field with its values, ready to be asked. */
export interface Predicate {
  /** As written: `principals ["a", "b"]`. */
  readonly text: string;
  readonly negated: boolean;
  /** Whether any of the values matches, before negation. */
  readonly matchesValue: (call: Call) => boolean;
  readonly describe: (call: Call) => string;
  /** How calls find it; undefined where it is negated or they do not. */
  readonly index: PredicateIndex | undefined;
}

/** Predicates of which all must hold; none hold always. */
export type Conjunction = readonly Predicate[];

/** A rule as a call of one protocol meets it (istio-semantics 3.4 and 3.9). */
export interface CompiledRule {
  readonly reference: PolicyReference;
  readonly protocol: Protocol;
  /** Of which one must hold; none given hold always. */
  readonly from: readonly Conjunction[];
  readonly to: readonly Conjunction[];
  readonly when: Conjunction;
  /** Why the rule cannot match any call of the protocol; undefined when it can. */
  readonly never: string | undefined;
  /** What makes the decision surprising: predicates left out, a missing provider. */
  readonly notes: readonly string[];
  /** The decision to allow by this rule, made once so that allowing allocates nothing. */
  readonly allowed: Decision;
}

export interface RuleContext extends FieldContext {
  readonly reference: PolicyReference;
  readonly action: RuleAction;
  readonly protocol: Protocol;
  /** What is to be said of the rule whatever it contains. */
  readonly notes: readonly string[];
}

/**
 * One rule for calls of one protocol. What cannot be asked of them (HTTP fields on TCP, invalid
 * values) makes an ALLOW rule match nothing and any other rule match more; an unknown `when` key
 * makes every rule match nothing.
 */
export function compileRule(spec: AuthorizationRule, context: RuleContext): CompiledRule {
  const rendering = new Rendering(context);
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

/** What stands for a rule, or for a policy without rules, that matches no call. */
export function neverMatching(context: RuleContext, because: string): CompiledRule {
  return { ...ruleBase(context), from: [], to: [], when: [], never: because };
}

function ruleBase({
  reference,
  protocol,
  notes,
}: RuleContext): Pick<CompiledRule, 'reference' | 'protocol' | 'notes' | 'allowed'> {
  return {
    reference,
    protocol,
    notes,
    allowed: Object.freeze({ verdict: 'allow', by: reference, audited: [], shadow: [] }),
  };
}

/** Collects what calls of the protocol cannot answer while the rest of a rule is compiled. */
class Rendering {
  readonly #context: RuleContext;
  readonly leftOut: string[] = [];
  never: string | undefined;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  conjunction(uses: readonly FieldUse[]): Conjunction {
    return uses.map((use) => this.#predicate(use)).filter((predicate) => predicate !== undefined);
  }

  #predicate({ label, subject: field, values, negated }: FieldUse): Predicate | undefined {
    if (field === 'unknown') return undefined;
    const text = `${label} ${quoteAll(values)}`;
    const context = this.#context;
    if (field.http === 'only' && context.protocol === 'tcp') {
      this.#cannotAsk(`${text} can be seen in HTTP only`);
      return undefined;
    }
    const { isValid = () => true } = field;
    const usable = values.filter(isValid);
    if (usable.length < values.length) {
      const invalid = values.filter((value) => !isValid(value));
      this.#cannotAsk(`${label} ${quoteAll(invalid)} cannot be read`);
    }
    if (usable.length === 0) return undefined;
    return {
      text,
      negated,
      matchesValue: field.matchAny(usable, context),
      describe: (call) => field.describe(call, context),
      index: negated ? undefined : field.index?.(usable, context),
    };
  }

  #cannotAsk(what: string): void {
    const { action, protocol } = this.#context;
    const calls = callsOf(protocol);
    if (action === 'ALLOW') this.never ??= `${what}, so an ALLOW rule with it matches no ${calls}`;
    else this.leftOut.push(`${what}, so it is left out and the rule matches more ${calls}s`);
  }
}

/** What a call of the protocol is called. */
export function callsOf(protocol: Protocol): string {
  return protocol === 'tcp' ? 'TCP connection' : 'HTTP request';
}
