import type { AuthorizationPolicy } from '../resources/kinds/authorization-policy.ts';
import { type ConnectionField, connectionFields, envoyMetadataField } from './connection-field.ts';
import { printable } from './quote.ts';

type Rule = NonNullable<AuthorizationPolicy['spec']['rules']>[number];
type Source = NonNullable<NonNullable<Rule['from']>[number]['source']>;
type Operation = NonNullable<NonNullable<Rule['to']>[number]['operation']>;
type Condition = NonNullable<Rule['when']>[number];

/** What a field asks about: part of a connection, or of an HTTP request, which TCP does not show. */
type Subject = ConnectionField | 'http-only' | 'unknown';

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
  ['requestPrincipals', 'notRequestPrincipals', 'http-only'],
] as const satisfies readonly (readonly [keyof Source, keyof Source, Subject])[];

const OPERATION = [
  ['ports', 'notPorts', connectionFields['destination.port']],
  ['hosts', 'notHosts', 'http-only'],
  ['methods', 'notMethods', 'http-only'],
  ['paths', 'notPaths', 'http-only'],
] as const satisfies readonly (readonly [keyof Operation, keyof Operation, Subject])[];

const WHEN = new Map<string, Subject>([
  ...Object.entries(connectionFields),
  ['request.auth.principal', 'http-only'],
  ['request.auth.audiences', 'http-only'],
  ['request.auth.presenter', 'http-only'],
]);
const HTTP_KEYS = ['request.headers', 'request.auth.claims'];
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
  if (HTTP_KEYS.some((prefix) => key.startsWith(prefix))) return 'http-only';
  return WHEN.get(key) ?? 'unknown';
}

function use(
  label: string,
  subject: Subject,
  values: readonly string[] | undefined,
  negated: boolean,
): FieldUse[] {
  return values === undefined || values.length === 0 ? [] : [{ label, subject, values, negated }];
}
