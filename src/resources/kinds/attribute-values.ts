import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isIpBlock } from '../ip-syntax.ts';
import type { Report } from '../kind-definition.ts';

/** Checks each of `values`, a list at `field`, and reports by position. */
export type ValueCheck = (values: readonly string[], field: string, report: Report) => void;

const MAX_SERVICE_ACCOUNTS = 16;
const LONGEST_SERVICE_ACCOUNT = 320;

/** No value is empty. */
export const checkFilled: ValueCheck = eachValue((value) =>
  value === '' ? 'must not be empty' : undefined,
);

/** Every value is an IP address or CIDR range. */
export const checkIpBlocks: ValueCheck = eachFilled((value) => {
  if (isIpBlock(value)) return undefined;
  return value.includes('/')
    ? `bad CIDR range ${quote(value)}; write for example "10.0.0.0/8"`
    : `bad IP address ${quote(value)}; write for example "10.0.0.1" or "10.0.0.0/8"`;
});

/** Every value is a port number as text; Istio allows 0 too. */
export const checkPorts: ValueCheck = eachFilled((value) =>
  /^\d{1,10}$/.test(value) && Number(value) <= 65535
    ? undefined
    : `bad port ${quote(value)}; a port is a number up to 65535, in quotes`,
);

/** Every value is `<namespace>/<name>` or `<name>`, and there are at most 16. */
export const checkServiceAccounts: ValueCheck = (values, field, report) => {
  if (values.length > MAX_SERVICE_ACCOUNTS) {
    report(field, `has more than ${MAX_SERVICE_ACCOUNTS} elements`);
  }
  eachFilled(serviceAccountProblem)(values, field, report);
};

/** Every value is a trust domain, with at most one `*`, at its start or end. */
export const checkTrustDomains: ValueCheck = eachFilled((value) => {
  const star = value.indexOf('*');
  if (value.includes('/')) return `${quote(value)} has a "/"; write the trust domain only`;
  if (star !== value.lastIndexOf('*')) return `${quote(value)} has more than one "*"`;
  return star > 0 && star < value.length - 1
    ? `${quote(value)} has a "*" in its middle; it may stand at the start or the end`
    : undefined;
});

function serviceAccountProblem(value: string): string | undefined {
  const [first, second, ...more] = value.split('/');
  if (value.length > LONGEST_SERVICE_ACCOUNT) {
    return `has more than ${LONGEST_SERVICE_ACCOUNT} characters`;
  }
  if (value.includes('*')) return `${quote(value)} has a wildcard; service accounts have none`;
  if (more.length > 0) return `${quote(value)} has more than one "/"; write <namespace>/<name>`;
  return first === '' || second === ''
    ? `${quote(value)} has nothing on one side of the "/"; write <namespace>/<name>`
    : undefined;
}

function eachValue(problemOf: (value: string) => string | undefined): ValueCheck {
  return (values, field, report) => {
    for (const [index, value] of values.entries()) {
      const problem = problemOf(value);
      if (problem !== undefined) report(fieldOf([index], field), problem);
    }
  };
}

/** Empty values are checkFilled's to report. */
function eachFilled(problemOf: (value: string) => string | undefined): ValueCheck {
  return eachValue((value) => (value === '' ? undefined : problemOf(value)));
}
