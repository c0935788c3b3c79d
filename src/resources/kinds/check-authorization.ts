import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import type { Report } from '../kind-definition.ts';
import { DRY_RUN_ANNOTATION } from '../metadata.ts';
import type { ObjectMeta } from '../resource.ts';
import { checkAttachment, warnOfAttachment } from './attachment.ts';
import type { AuthorizationPolicySpec } from './authorization-policy-schema.ts';
import { checkCustomRule, checkRule, deniesAllTcp } from './check-rule.ts';

interface AuthorizationPolicy {
  readonly metadata: ObjectMeta;
  readonly spec: AuthorizationPolicySpec;
}

/** The booleans of Go's ParseBool, which Istio reads the annotation with. */
const BOOLEANS = ['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False'];

/** Reports what Istio refuses of an AuthorizationPolicy beyond its schema. */
export function checkAuthorization(policy: AuthorizationPolicy, report: Report): void {
  const { spec } = policy;
  checkAttachment(spec, report);
  checkAction(spec, report);
  checkDryRun(policy, report);
  for (const [index, rule] of (spec.rules ?? []).entries()) {
    const field = fieldOf(['rules', index], 'spec');
    checkRule(rule, field, report);
    if (spec.action === 'CUSTOM') checkCustomRule(rule, field, report);
  }
}

/** Reports what Istio warns of. */
export function warnOfAuthorization({ spec }: AuthorizationPolicy, report: Report): void {
  warnOfAttachment(spec, report);
  if (spec.action !== 'DENY') return;
  for (const [index, rule] of (spec.rules ?? []).entries()) {
    if (deniesAllTcp(rule)) {
      report(
        fieldOf(['rules', index], 'spec'),
        'will deny all connections to TCP ports, for which its HTTP fields do not count; name the ports in "to"',
      );
    }
  }
}

function checkAction({ action, provider, rules }: AuthorizationPolicySpec, report: Report): void {
  const hasRules = rules !== undefined && rules.length > 0;
  if (!hasRules && (action === 'DENY' || action === 'CUSTOM')) {
    report(
      'spec.rules',
      `a ${action} policy without rules is meaningless, as it is never triggered; add an empty rule {} to mean every call`,
    );
  }
  if (action === 'CUSTOM') {
    if (provider?.name === undefined || provider.name === '') {
      report('spec.provider.name', 'must not be empty with the action CUSTOM');
    }
  } else if (provider !== undefined) {
    report('spec.provider', 'must not be set with an action other than CUSTOM');
  }
}

function checkDryRun({ metadata, spec }: AuthorizationPolicy, report: Report): void {
  const value = metadata.annotations?.[DRY_RUN_ANNOTATION];
  if (value === undefined) return;
  const field = fieldOf(['metadata', 'annotations', DRY_RUN_ANNOTATION]);
  if (!BOOLEANS.includes(value)) {
    report(field, `${quote(value)} is not a boolean; use "true" or "false"`);
  }
  if (spec.action === 'AUDIT' || spec.action === 'CUSTOM') {
    report(field, `is supported with the actions ALLOW and DENY only, not ${spec.action}`);
  }
}
