import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import { printable } from '../quote.ts';
import { connectionFields, envoyMetadataField } from './connection-field.ts';
import type { Field } from './field.ts';
import { headerField, hostField, methodField, pathField } from './http-field.ts';
import {
  audiencesField,
  claimField,
  presenterField,
  requestPrincipalField,
} from './token-field.ts';

type Rule = NonNullable<AuthorizationPolicy['spec']['rules']>[number];
type Source = NonNullable<NonNullable<Rule['from']>[number]['source']>;
type Operation = NonNullable<NonNullable<Rule['to']>[number]['operation']>;
type Condition = NonNullable<Rule['when']>[number];

/** What a field asks about. */
type Subject = Field | 'unknown';

/** Values that a policy gives for one subject, and how it was written there. */
export interface FieldUse {
  /** The field's name: `principals`, `notPorts`, `when source.ip values`. */
  readonly label: string;
  readonly subject: Subject;
  readonly values: readonly string[];
  readonly negated: boolean;
}

const SOURCE = [
  ['principals', 'notPrincipals', connectionFields['source.principal']],
  ['namespaces', 'notNamespaces', connectionFields['source.namespace']],
  ['serviceAccounts', 'notServiceAccounts', connectionFields['source.serviceAccount']],
  ['trustDomains', 'notTrustDomains', connectionFields['source.trustDomain']],
  ['ipBlocks', 'notIpBlocks', connectionFields['source.ip']],
  ['remoteIpBlocks', 'notRemoteIpBlocks', connectionFields['remote.ip']],
  ['requestPrincipals', 'notRequestPrincipals', requestPrincipalField],
] as const satisfies readonly (readonly [keyof Source, keyof Source, Subject])[];

const OPERATION = [
  ['ports', 'notPorts', connectionFields['destination.port']],
  ['hosts', 'notHosts', hostField],
  ['methods', 'notMethods', methodField],
  ['paths', 'notPaths', pathField],
] as const satisfies readonly (readonly [keyof Operation, keyof Operation, Subject])[];

const WHEN = new Map<string, Subject>([
  ...Object.entries(connectionFields),
  ['request.auth.principal', requestPrincipalField],
  ['request.auth.audiences', audiencesField],
  ['request.auth.presenter', presenterField],
]);
const ENVOY_KEYS = 'experimental.envoy.filters.';

export function sourceFields(source: Source = {}): FieldUse[] {
  return SOURCE.flatMap(([field, notField, subject]) => [
    ...use(field, subject, source[field], false),
    ...use(notField, subject, source[notField], true),
  ]);
}

export function operationFields(operation: Operation = {}): FieldUse[] {
  return OPERATION.flatMap(([field, notField, subject]) => [
    ...use(field, subject, operation[field], false),
    ...use(notField, subject, operation[notField], true),
  ]);
}

export function conditionFields({ key, values, notValues }: Condition): FieldUse[] {
  const subject = subjectOf(key);
  const name = `when ${printable(key)}`;
  return [
    ...use(`${name} values`, subject, values, false),
    ...use(`${name} notValues`, subject, notValues, true),
  ];
}

/** What a `when` key asks about. */
function subjectOf(key: string): Subject {
  if (key.startsWith(ENVOY_KEYS)) return envoyMetadataField(key);
  return WHEN.get(key) ?? headerField(key) ?? claimField(key) ?? 'unknown';
}

function use(
  label: string,
  subject: Subject,
  values: readonly string[] | undefined,
  negated: boolean,
): FieldUse[] {
  return values === undefined || values.length === 0 ? [] : [{ label, subject, values, negated }];
}
