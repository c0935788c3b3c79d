import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import { selects } from '../label-selector.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import { covers } from './covering-rule.ts';
import type { Finding } from './finding.ts';

type Rules = NonNullable<AuthorizationPolicy['spec']['rules']>;

/** Bounds the comparison of every rule with every other one, in pairs. */
const MOST_PAIRS = 200_000;

const actionOf = ({ spec }: AuthorizationPolicy) => spec.action ?? 'ALLOW';
const isDryRun = ({ metadata }: AuthorizationPolicy) =>
  metadata.annotations?.['istio.io/dry-run'] !== undefined;
const nameOf = ({ metadata }: AuthorizationPolicy) => `${metadata.namespace}/${metadata.name}`;

/** HBK0001: rules that decide nothing, because one before them in their policy covers them. */
export function unreachableRules(mesh: AnalyzedMesh): readonly Finding[] {
  let pairs = 0;
  return mesh.authorizationPolicies.flatMap((policy) => {
    const rules: Rules = policy.spec.rules ?? [];
    if (actionOf(policy) === 'AUDIT') return [];
    return rules.flatMap((rule, index): Finding[] => {
      pairs += index;
      if (pairs > MOST_PAIRS) return [];
      const first = rules.slice(0, index).findIndex((earlier) => covers(earlier, rule));
      if (first === -1) return [];
      const message = `rule ${index} is never reached: all that it matches is matched by rule ${first}`;
      return [{ code: 'HBK0001', resource: policy, message }];
    });
  });
}

/** HBK0002: policies that decide nothing, because another one decides all their calls. */
export function shadowedPolicies(mesh: AnalyzedMesh): readonly Finding[] {
  const enforced = mesh.authorizationPolicies.filter((policy) => !isDryRun(policy));
  return enforced.flatMap((policy): Finding[] => {
    const shadow = enforced.find(
      (other) => other !== policy && reachesAll(other, policy, mesh) && shadows(other, policy),
    );
    if (shadow === undefined) return [];
    const by = `${actionOf(shadow)} policy ${nameOf(shadow)}`;
    const message = `the policy decides nothing: the ${by} decides every call that it is about`;
    return [{ code: 'HBK0002', resource: policy, message }];
  });
}

/** A DENY of everything before any ALLOW; an ALLOW of everything beside others. */
function shadows(shadow: AuthorizationPolicy, policy: AuthorizationPolicy): boolean {
  const everything = (shadow.spec.rules ?? []).some((rule) => covers(rule, {}));
  const rules = policy.spec.rules ?? [];
  if (!everything || rules.some((rule) => covers(rule, {}))) {
    return everything && actionOf(shadow) === 'DENY' && actionOf(policy) === 'ALLOW';
  }
  if (actionOf(shadow) === 'DENY') return ['DENY', 'ALLOW'].includes(actionOf(policy));
  return actionOf(shadow) === 'ALLOW' && actionOf(policy) === 'ALLOW';
}

/** Whether `other` is attached wherever `policy` is. */
function reachesAll(
  other: AuthorizationPolicy,
  policy: AuthorizationPolicy,
  { settings }: AnalyzedMesh,
): boolean {
  const { namespace } = other.metadata;
  if (other.spec.targetRef !== undefined || (other.spec.targetRefs?.length ?? 0) > 0) return false;
  if (namespace !== policy.metadata.namespace && namespace !== settings.rootNamespace) return false;
  return selects(other.spec.selector?.matchLabels, policy.spec.selector?.matchLabels ?? {});
}

/** HBK0003: policies that have rules of which none can match anything. */
export function policiesWithoutMatch(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.authorizationPolicies.flatMap((policy): Finding[] => {
    const reasons = (policy.spec.rules ?? []).map(impossible);
    const [first] = reasons;
    if (first === undefined || reasons.some((reason) => reason === undefined)) return [];
    const message = `no call can match the policy: ${first}`;
    return [{ code: 'HBK0003', resource: policy, message }];
  });
}

const ENVOY_KEYS = 'experimental.envoy.filters.';

/** Why a rule cannot match any call; undefined where it can, as far as that is plain. */
function impossible({ from = [], to = [], when = [] }: Rules[number]): string | undefined {
  const envoy = when.find(
    ({ key, values = [] }) => key.startsWith(ENVOY_KEYS) && values.length > 0,
  );
  if (envoy !== undefined) return `nothing ever sets ${envoy.key} here`;
  const excluded = when.find(({ values = [], notValues = [] }) => isWithin(values, notValues));
  if (excluded !== undefined) return `notValues of ${excluded.key} has all of its values`;
  const alternatives: readonly (readonly object[])[] = [
    from.map(({ source = {} }) => source),
    to.map(({ operation = {} }) => operation),
  ];
  for (const group of alternatives) {
    const fields = group.map(excludedField);
    if (fields.length > 0 && fields.every((field) => field !== undefined)) {
      return `what ${fields[0]} wants is excluded beside it`;
    }
  }
  return undefined;
}

/** A field of which every value is also among those that must not be. */
function excludedField(alternative: object): string | undefined {
  const fields = alternative as Readonly<Record<string, readonly string[] | undefined>>;
  return Object.keys(fields).find((field) => {
    const not = `not${field.charAt(0).toUpperCase()}${field.slice(1)}`;
    return isWithin(fields[field] ?? [], fields[not] ?? []);
  });
}

function isWithin(values: readonly string[], others: readonly string[]): boolean {
  return values.length > 0 && values.every((value) => others.includes(value));
}
