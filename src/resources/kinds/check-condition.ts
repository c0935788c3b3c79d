import { quote } from '../field-problem.ts';
import type { Report } from '../kind-definition.ts';
import { suggestion } from '../nearest.ts';
import {
  checkFilled,
  checkIpBlocks,
  checkPorts,
  checkServiceAccounts,
  checkTrustDomains,
  type ValueCheck,
} from './attribute-values.ts';
import type { AuthorizationCondition } from './authorization-policy-schema.ts';

/** The attributes that conditions may ask about, and what their values must be beyond not empty. */
const ATTRIBUTES: Readonly<Record<string, ValueCheck>> = {
  'source.ip': checkIpBlocks,
  'remote.ip': checkIpBlocks,
  'destination.ip': checkIpBlocks,
  'destination.port': checkPorts,
  'source.namespace': checkFilled,
  'source.principal': checkFilled,
  'source.serviceAccount': checkServiceAccounts,
  'source.trustDomain': checkTrustDomains,
  'request.auth.principal': checkFilled,
  'request.auth.audiences': checkFilled,
  'request.auth.presenter': checkFilled,
  'connection.sni': checkFilled,
};
/** Attributes with a name in brackets, such as `request.headers[x-user]`. */
const KEYED = ['request.headers', 'request.auth.claims', 'experimental.envoy.filters.'];
const REPLACED: Readonly<Record<string, string>> = {
  'destination.labels': 'use the selector of the policy',
  'destination.namespace': 'a policy is for the namespace it is in',
  'destination.name': 'use the selector of the policy',
  'destination.user': 'use the selector of the policy',
};

/** Reports what Istio refuses of one condition, `when[n]` at `field`. */
export function checkCondition(
  condition: AuthorizationCondition,
  field: string,
  report: Report,
): void {
  const { key, values = [], notValues = [] } = condition;
  if (key === '') {
    report(`${field}.key`, 'must not be empty');
    return;
  }
  const problem = keyProblem(key);
  if (problem !== undefined) report(`${field}.key`, problem);
  if (values.length === 0 && notValues.length === 0) {
    report(field, `at least one of values and notValues must be set for the key ${quote(key)}`);
  }
  const check = Object.hasOwn(ATTRIBUTES, key) ? ATTRIBUTES[key] : undefined;
  for (const [name, list] of [
    ['values', values],
    ['notValues', notValues],
  ] as const) {
    checkFilled(list, `${field}.${name}`, report);
    if (check !== checkFilled) check?.(list, `${field}.${name}`, report);
  }
}

/** What the CUSTOM action does not know yet when it is asked: everything about who calls. */
export function isIdentityKey(key: string): boolean {
  return /^(?:source\.(?:namespace|serviceAccount|trustDomain|principal)$|request\.auth\.)/.test(
    key,
  );
}

function keyProblem(key: string): string | undefined {
  if (Object.hasOwn(ATTRIBUTES, key)) return undefined;
  const keyed = KEYED.find((prefix) => key.startsWith(prefix));
  if (keyed !== undefined) {
    const open = key.indexOf('[');
    const wellFormed = open > 0 && open < key.length - 2 && key.endsWith(']');
    return wellFormed
      ? undefined
      : `bad key ${quote(key)}; it must have a name in brackets, as a[b]`;
  }
  const [base = ''] = key.split('[');
  const instead = Object.hasOwn(REPLACED, base) ? REPLACED[base] : undefined;
  if (instead !== undefined)
    return `the attribute ${quote(key)} is no longer supported; ${instead}`;
  return `unknown attribute ${quote(key)}${suggestion(key, Object.keys(ATTRIBUTES))}`;
}
