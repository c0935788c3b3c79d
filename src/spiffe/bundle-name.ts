import { createHash } from 'node:crypto';
import type { TrustDomain } from './trust-domain.ts';

const LONGEST_NAME = 253;
const LABEL = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const DNS_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

/**
 * The name of the one TrustBundle object of a trust domain: the domain itself where that is a DNS
 * name, else one made of its hash. No two trust domains have the same.
 */
export function bundleName({ name }: TrustDomain): string {
  if (name.length <= LONGEST_NAME && DNS_NAME.test(name) && !name.startsWith(HASHED)) return name;
  return HASHED + createHash('sha256').update(name).digest('hex');
}

const HASHED = 'sha256-';
