import { quote } from '../field-problem.ts';
import { isIpAddress } from '../ip-syntax.ts';

const LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const LONGEST_LABEL = 63;
const LONGEST_NAME = 255;

/** What is wrong with `host` as a DNS name whose first label may have a wildcard: `*.example.com`. */
export function wildcardHostProblem(host: string): string | undefined {
  if (host === '') return 'a host must not be empty';
  if (host === '*') return undefined;
  if (host.length > LONGEST_NAME) return `a host has at most ${LONGEST_NAME} characters`;
  const [first = '', ...others] = host.replace(/\.$/, '').split('.');
  const bad = [first.replace(/^\*-?|-?\*$/, '') || 'a', ...others].find((label) => !isLabel(label));
  if (bad !== undefined) {
    return `${quote(host)} is not a host: ${quote(bad)} is not a DNS label, and only the first label may have a wildcard`;
  }
  const top = others.at(-1);
  return top !== undefined && /^\d+$/.test(top)
    ? `${quote(host)} is not a host: its top-level domain ${quote(top)} is a number`
    : undefined;
}

/** What is wrong with `host` as a full DNS name without any wildcard. */
export function hostProblem(host: string): string | undefined {
  if (host.includes('*')) return `${quote(host)} has a wildcard, which is not supported here`;
  return wildcardHostProblem(host);
}

/** Whether `host` has a wildcard that is not the whole of its first label: `*foo.com`. */
export function isPartialWildcard(host: string): boolean {
  return host !== '*' && host.startsWith('*') && !host.startsWith('*.');
}

/** What is wrong with `host` where an IP address will do too. */
export function hostOrAddressProblem(host: string): string | undefined {
  return isIpAddress(host) ? undefined : wildcardHostProblem(host);
}

function isLabel(label: string): boolean {
  return label.length <= LONGEST_LABEL && LABEL.test(label);
}
