import type { AuthorizationRule } from '../../resources/kinds/authorization-policy-schema.ts';
import type { AttachedPolicy } from './attached-policy.ts';
import { conditionFields, type FieldUse, operationFields, sourceFields } from './rule-fields.ts';

/**
 * Whether `policy` looks at HTTP in calls to `port`: it has a field of which HTTP says more, or asks
 * a provider, in a rule that does not exclude the port.
 */
export function seesHttp({ action, spec }: AttachedPolicy, port: number): boolean {
  return (spec.rules ?? []).some(
    (rule) => reaches(rule, port) && (action === 'CUSTOM' || usesHttp(rule)),
  );
}

/** Whether a rule has a field of which HTTP says more than TCP. */
export function usesHttp({ from = [], to = [], when = [] }: AuthorizationRule): boolean {
  const uses: FieldUse[] = [
    ...from.flatMap(({ source }) => sourceFields(source)),
    ...to.flatMap(({ operation }) => operationFields(operation)),
    ...when.flatMap(conditionFields),
  ];
  return uses.some(({ subject }) => subject !== 'unknown' && subject.http !== undefined);
}

function reaches({ to = [] }: AuthorizationRule, port: number): boolean {
  if (to.length === 0) return true;
  return to.some(({ operation: { ports = [], notPorts = [] } = {} }) => {
    const isPort = (text: string) => Number(text) === port;
    return (ports.length === 0 || ports.some(isPort)) && !notPorts.some(isPort);
  });
}
