import { quote } from '../field-problem.ts';
import type { Report } from '../kind-definition.ts';
import { nameProblem } from '../names.ts';
import type { ClientTls } from './traffic-policy-schema.ts';

const CONFIG_MAP = 'configmap://';

/** Istio's rules for the `tls` of a traffic policy at `field`. */
export function checkClientTls(
  tls: ClientTls | undefined,
  { field, namespace }: { readonly field: string; readonly namespace: string },
  report: Report,
): void {
  if (tls === undefined) return;
  checkVersions(tls, field, report);
  const { mode = 'DISABLE' } = tls;
  if (mode !== 'SIMPLE' && mode !== 'MUTUAL') return;
  if (isSet(tls.credentialName)) checkCredential(tls, { field, namespace }, report);
  else if (mode === 'MUTUAL') {
    for (const name of ['clientCertificate', 'privateKey'] as const) {
      if (!isSet(tls[name])) report(`${field}.${name}`, 'is required with the mode MUTUAL');
    }
  }
  if (tls.insecureSkipVerify === true) checkUnverified(tls, field, report);
}

function checkVersions(tls: ClientTls, field: string, report: Report): void {
  const { minProtocolVersion: lowest = 'TLS_AUTO', maxProtocolVersion: highest = 'TLS_AUTO' } = tls;
  if (highest !== 'TLS_AUTO' && lowest > highest && lowest !== 'TLS_AUTO') {
    report(`${field}.minProtocolVersion`, `${lowest} is above maxProtocolVersion ${highest}`);
  }
}

function checkCredential(
  tls: ClientTls,
  { field, namespace }: { readonly field: string; readonly namespace: string },
  report: Report,
): void {
  const files = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'] as const;
  const given = files.filter((name) => isSet(tls[name]));
  if (given.length > 0) {
    report(`${field}.credentialName`, `cannot be set together with ${given.join(', ')}`);
  }
  const { credentialName = '' } = tls;
  if (!credentialName.startsWith(CONFIG_MAP)) return;
  const [space = '', name, ...more] = credentialName.slice(CONFIG_MAP.length).split('/');
  const wrong = name === undefined || more.length > 0 ? 'form' : nameProblem(name, 'subdomain');
  if (wrong !== undefined) {
    report(
      `${field}.credentialName`,
      `${quote(credentialName)} is not configmap://<namespace>/<name>`,
    );
  } else if (space !== namespace) {
    report(`${field}.credentialName`, `must be in the namespace of the rule, ${quote(namespace)}`);
  }
}

function checkUnverified(tls: ClientTls, field: string, report: Report): void {
  const { subjectAltNames = [] } = tls;
  const pointless = [
    ...(isSet(tls.caCertificates) ? ['caCertificates'] : []),
    ...(isSet(tls.credentialName) && tls.mode === 'SIMPLE' ? ['credentialName'] : []),
    ...(subjectAltNames.length > 0 ? ['subjectAltNames'] : []),
  ];
  if (pointless.length > 0) {
    report(
      `${field}.insecureSkipVerify`,
      `cannot be set together with ${pointless.join(', ')}, which say what to verify`,
    );
  }
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
