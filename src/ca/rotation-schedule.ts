import type { Certificate } from '../x509/certificate.ts';
import type { AuthorityRole } from './rotation.ts';

/** Shares of their lives after which authorities are replaced; a root's users need more time to hear of it. */
const DUE_AT: Readonly<Record<AuthorityRole, number>> = { root: 0.8, intermediate: 0.5 };

/** What is to be rotated by its age; a root takes its intermediate along. */
export function dueRotation(
  { root, signer }: { readonly root: Certificate; readonly signer: Certificate },
  nowMs: number,
): AuthorityRole | undefined {
  if (nowMs >= dueAtMs(root, 'root')) return 'root';
  return nowMs >= dueAtMs(signer, 'intermediate') ? 'intermediate' : undefined;
}

function dueAtMs({ notBeforeMs, notAfterMs }: Certificate, role: AuthorityRole): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) * DUE_AT[role];
}
