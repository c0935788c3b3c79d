import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { parseGoDuration } from '../go-duration.ts';
import { isIpAddress } from '../ip-syntax.ts';
import type { Report } from '../kind-definition.ts';
import { checkLabels } from '../metadata.ts';
import { nameProblem } from '../names.ts';
import type { CertificateSpec } from './certificate-schema.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const DEFAULT_DURATION_MS = 2_160 * HOUR_MS;
const LONGEST_COMMON_NAME = 64;
const ECDSA_SIZES = [256, 384, 521];
const OID = /^[0-2](?:\.\d+)+$/;
const WINDOW = /^(?:\d+(?:\.\d+)?[smh])+$/;

/** Reports what cert-manager refuses of a Certificate beyond its schema. */
export function checkCertificate(
  { spec }: { readonly spec: CertificateSpec },
  report: Report,
): void {
  const problem = nameProblem(spec.secretName, 'subdomain');
  if (problem !== undefined) report('spec.secretName', problem);
  checkIssuer(spec.issuerRef, 'spec.issuerRef', report);
  checkSubject(spec, report);
  checkNames(spec, report);
  checkTimes(spec, report);
  checkKey(spec, report);
  checkOutputs(spec, report);
}

/** cert-manager's rules for a reference to its own issuers; others are their owners' business. */
export function checkIssuer(
  { kind = '', group = '' }: CertificateSpec['issuerRef'],
  field: string,
  report: Report,
): void {
  const ours = group === '' || group === 'cert-manager.io';
  if (ours && !['', 'Issuer', 'ClusterIssuer'].includes(kind)) {
    report(`${field}.kind`, `${quote(kind)} is not one of Issuer, ClusterIssuer`);
  }
}

function checkSubject(spec: CertificateSpec, report: Report): void {
  const { commonName = '', literalSubject = '', subject } = spec;
  if (commonName.length > LONGEST_COMMON_NAME) {
    report(
      'spec.commonName',
      `has ${commonName.length} characters; at most ${LONGEST_COMMON_NAME} are allowed`,
    );
  }
  if (literalSubject !== '' && (commonName !== '' || subject !== undefined)) {
    report('spec.literalSubject', 'cannot be set together with commonName or subject');
  }
  const lists = [spec.dnsNames, spec.uris, spec.emailAddresses, spec.ipAddresses, spec.otherNames];
  const named = lists.some((list) => list !== undefined && list.length > 0);
  if (commonName === '' && literalSubject === '' && !named) {
    report(
      'spec',
      'at least one of commonName, literalSubject, dnsNames, uris, emailAddresses, ipAddresses and otherNames must be set',
    );
  }
}

function checkNames(spec: CertificateSpec, report: Report): void {
  for (const [index, address] of (spec.ipAddresses ?? []).entries()) {
    if (!isIpAddress(address)) {
      report(fieldOf(['ipAddresses', index], 'spec'), `${quote(address)} is not an IP address`);
    }
  }
  for (const [index, email] of (spec.emailAddresses ?? []).entries()) {
    if (!/^[^\s@<>]+@[^\s@<>]+$/.test(email)) {
      report(fieldOf(['emailAddresses', index], 'spec'), `${quote(email)} is not a mail address`);
    }
  }
  for (const [index, { oid = '', utf8Value = '' }] of (spec.otherNames ?? []).entries()) {
    const field = fieldOf(['otherNames', index], 'spec');
    if (!OID.test(oid)) report(`${field}.oid`, `${quote(oid)} is not an object identifier`);
    if (utf8Value === '') report(`${field}.utf8Value`, 'must not be empty');
  }
}

function checkTimes(spec: CertificateSpec, report: Report): void {
  const duration = timeOf(spec.duration, 'spec.duration', report) ?? DEFAULT_DURATION_MS;
  if (duration < HOUR_MS) report('spec.duration', 'must be at least 1h');
  const before = timeOf(spec.renewBefore, 'spec.renewBefore', report);
  const { renewBeforePercentage: share } = spec;
  if (before !== undefined && share !== undefined) {
    report('spec.renewBeforePercentage', 'cannot be set together with renewBefore');
  }
  if (before !== undefined && before < 5 * MINUTE_MS) {
    report('spec.renewBefore', 'must be at least 5m');
  }
  if (before !== undefined && before >= duration) {
    report('spec.renewBefore', 'must be shorter than duration');
  }
  if (share !== undefined && (share <= 0 || share >= 100)) {
    report('spec.renewBeforePercentage', `must be above 0 and below 100, not ${share}`);
  }
  for (const [index, { windowDuration }] of (spec.renewal?.windows ?? []).entries()) {
    if (!WINDOW.test(windowDuration)) {
      report(
        `${fieldOf(['windows', index], 'spec.renewal')}.windowDuration`,
        `${quote(windowDuration)} is not a duration in hours, minutes and seconds`,
      );
    }
  }
}

function timeOf(text: string | undefined, field: string, report: Report): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseGoDuration(text);
  if (ms === undefined) {
    report(field, `${quote(text)} is not a duration; write hours, such as "2160h"`);
  }
  return ms;
}

function checkKey({ privateKey }: CertificateSpec, report: Report): void {
  const { algorithm = 'RSA', size = 0 } = privateKey ?? {};
  if (size === 0) return;
  const field = 'spec.privateKey.size';
  if (algorithm === 'RSA' && (size < 2048 || size > 8192)) {
    report(field, `must be between 2048 and 8192 with RSA, not ${size}`);
  }
  if (algorithm === 'ECDSA' && !ECDSA_SIZES.includes(size)) {
    report(field, `must be 256, 384 or 521 with ECDSA, not ${size}`);
  }
}

function checkOutputs(spec: CertificateSpec, report: Report): void {
  const { revisionHistoryLimit: limit = 1, additionalOutputFormats: formats = [] } = spec;
  if (limit < 1) report('spec.revisionHistoryLimit', `must be at least 1, not ${limit}`);
  for (const [index, { type }] of formats.entries()) {
    if (formats.findIndex((format) => format.type === type) !== index) {
      report(
        fieldOf(['additionalOutputFormats', index, 'type'], 'spec'),
        `${type} is there already`,
      );
    }
  }
  checkLabels(spec.secretTemplate?.labels, 'spec.secretTemplate.labels', report);
  for (const key of Object.keys(spec.secretTemplate?.annotations ?? {})) {
    if (key.startsWith('cert-manager.io/')) {
      report(
        fieldOf(['annotations', key], 'spec.secretTemplate'),
        'keys of cert-manager.io are written by the controller only',
      );
    }
  }
  for (const store of ['jks', 'pkcs12'] as const) {
    const { create = false, password, passwordSecretRef } = spec.keystores?.[store] ?? {};
    const given = [password, passwordSecretRef].filter((way) => way !== undefined).length;
    if (create && given !== 1) {
      report(`spec.keystores.${store}`, 'needs either passwordSecretRef or password');
    }
  }
}
