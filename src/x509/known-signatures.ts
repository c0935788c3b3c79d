import type { KeyObject } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { latin1 } from './der-values.ts';

/** What one key is known to have signed. */
interface Known {
  /** Certificates of this process' connections: they go with their connection. */
  readonly objects: WeakSet<Certificate>;
  /** Authorities by their bytes: they come back with every handshake, as other objects. */
  readonly authorities: Set<string>;
}

const MAX_AUTHORITIES = 64;
const byKey = new WeakMap<KeyObject, Known>();

/**
 * `verify`, but once: a signature that was good stays good, and verifying is what a handshake costs
 * most. Only good ones are remembered, at most 64 authorities a key; nothing else about a certificate
 * (its time, its revocation) is.
 */
export function rememberSignature(
  certificate: Certificate,
  issuerKey: KeyObject,
  verify: () => boolean,
): boolean {
  const known = byKey.get(issuerKey) ?? { objects: new WeakSet(), authorities: new Set() };
  if (known.objects.has(certificate)) return true;
  const name = certificate.isCa ? latin1(certificate.der) : undefined;
  const good = (name !== undefined && known.authorities.has(name)) || verify();
  if (!good) return false;
  known.objects.add(certificate);
  if (name !== undefined) remember(known.authorities, name);
  byKey.set(issuerKey, known);
  return true;
}

function remember(names: Set<string>, name: string): void {
  const [oldest] = names;
  if (!names.has(name) && names.size >= MAX_AUTHORITIES && oldest !== undefined) {
    names.delete(oldest);
  }
  names.add(name);
}
