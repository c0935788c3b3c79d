import type { Report } from '../kind-definition.ts';
import {
  checkFilled,
  checkIpBlocks,
  checkServiceAccounts,
  checkTrustDomains,
  type ValueCheck,
} from './attribute-values.ts';
import type { AuthorizationSource } from './authorization-policy-schema.ts';

type SourceField = keyof AuthorizationSource;

const VALUES: Partial<Readonly<Record<SourceField, ValueCheck>>> = {
  ipBlocks: checkIpBlocks,
  notIpBlocks: checkIpBlocks,
  remoteIpBlocks: checkIpBlocks,
  notRemoteIpBlocks: checkIpBlocks,
  serviceAccounts: checkServiceAccounts,
  notServiceAccounts: checkServiceAccounts,
  trustDomains: checkTrustDomains,
  notTrustDomains: checkTrustDomains,
};
/** Who calls, from a certificate or a token: not known when the CUSTOM action is asked. */
const IDENTITY_FIELDS: readonly SourceField[] = [
  'principals',
  'notPrincipals',
  'requestPrincipals',
  'notRequestPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'trustDomains',
  'notTrustDomains',
];

/** Reports what Istio refuses of one source, `from[n].source` at `field`. */
export function checkSource(source: AuthorizationSource, field: string, report: Report): void {
  const fields = Object.entries(source) as [SourceField, readonly string[]][];
  if (fields.every(([, values]) => values.length === 0)) {
    report(field, 'must not be empty; leave out "from" to mean every caller');
  }
  for (const [name, values] of fields) {
    checkFilled(values, `${field}.${name}`, report);
    VALUES[name]?.(values, `${field}.${name}`, report);
  }
  const byAccount = source.serviceAccounts ?? source.notServiceAccounts;
  const byOther =
    source.principals ?? source.notPrincipals ?? source.namespaces ?? source.notNamespaces;
  if (byAccount !== undefined && byOther !== undefined) {
    report(field, 'cannot set serviceAccounts with namespaces or principals');
  }
}

/** Reports the fields that the CUSTOM action does not support. */
export function checkCustomSource(
  source: AuthorizationSource,
  field: string,
  report: Report,
): void {
  for (const name of IDENTITY_FIELDS) {
    if (source[name] !== undefined) {
      report(`${field}.${name}`, 'is not supported with the action CUSTOM');
    }
  }
}

/** Whether Istio counts the source as saying something of a TCP connection; for its warning only. */
export function hasTcpField(source: AuthorizationSource): boolean {
  return (
    source.principals !== undefined ||
    source.notPrincipals !== undefined ||
    source.namespaces !== undefined ||
    source.notNamespaces !== undefined ||
    source.serviceAccounts !== undefined ||
    source.notServiceAccounts !== undefined ||
    source.ipBlocks !== undefined ||
    source.notIpBlocks !== undefined ||
    source.remoteIpBlocks !== undefined ||
    source.notRemoteIpBlocks !== undefined
  );
}
