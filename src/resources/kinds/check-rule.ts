import { fieldOf } from '../field-path.ts';
import type { Report } from '../kind-definition.ts';
import { checkFilled, checkPorts } from './attribute-values.ts';
import type { AuthorizationOperation, AuthorizationRule } from './authorization-policy-schema.ts';
import { checkCondition, isIdentityKey } from './check-condition.ts';
import { checkCustomSource, checkSource, hasTcpField } from './check-source.ts';
import { pathProblem } from './path-template.ts';

/** Reports what Istio refuses of one rule, `spec.rules[n]` at `field`, whatever the action. */
export function checkRule(rule: AuthorizationRule, field: string, report: Report): void {
  if (rule.from?.length === 0)
    report(`${field}.from`, 'must not be empty; leave it out to mean every caller');
  if (rule.to?.length === 0)
    report(`${field}.to`, 'must not be empty; leave it out to mean every operation');
  for (const [index, { source }] of (rule.from ?? []).entries()) {
    const at = fieldOf(['from', index, 'source'], field);
    if (source === undefined) report(at, 'is required');
    else checkSource(source, at, report);
  }
  for (const [index, { operation }] of (rule.to ?? []).entries()) {
    const at = fieldOf(['to', index, 'operation'], field);
    if (operation === undefined) report(at, 'is required');
    else checkOperation(operation, at, report);
  }
  for (const [index, condition] of (rule.when ?? []).entries()) {
    checkCondition(condition, fieldOf(['when', index], field), report);
  }
}

/** Reports what a rule of the action CUSTOM may not ask about. */
export function checkCustomRule(rule: AuthorizationRule, field: string, report: Report): void {
  for (const [index, { source }] of (rule.from ?? []).entries()) {
    if (source !== undefined) {
      checkCustomSource(source, fieldOf(['from', index, 'source'], field), report);
    }
  }
  for (const [index, { key }] of (rule.when ?? []).entries()) {
    if (isIdentityKey(key)) {
      report(
        fieldOf(['when', index, 'key'], field),
        `"${key}" is not supported with the action CUSTOM`,
      );
    }
  }
}

/** Whether a DENY rule, read for a connection without HTTP, denies more than is written: Istio's warning. */
export function deniesAllTcp(rule: AuthorizationRule): boolean {
  const sources = (rule.from ?? []).flatMap(({ source }) => source ?? []);
  const operations = (rule.to ?? []).flatMap(({ operation }) => operation ?? []);
  if (operations.length > 0) {
    return !operations.some(({ ports, notPorts }) => ports !== undefined || notPorts !== undefined);
  }
  return sources.length > 0 && !sources.some(hasTcpField);
}

function checkOperation(operation: AuthorizationOperation, field: string, report: Report): void {
  const lists = Object.entries(operation);
  if (lists.every(([, values]) => values.length === 0)) {
    report(field, 'must not be empty; leave out "to" to mean every operation');
  }
  for (const [name, values] of lists) checkFilled(values, `${field}.${name}`, report);
  for (const name of ['ports', 'notPorts'] as const) {
    checkPorts(operation[name] ?? [], `${field}.${name}`, report);
  }
  for (const name of ['paths', 'notPaths'] as const) {
    for (const [index, path] of (operation[name] ?? []).entries()) {
      const problem = pathProblem(path);
      if (problem !== undefined) report(fieldOf([name, index], field), problem);
    }
  }
}
