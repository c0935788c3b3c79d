import { X509Certificate } from 'node:crypto';
import type { HeldCredentials } from '../../policy/upstream/held-credentials.ts';

/** What a sidecar holds under a `credentialName`; nothing secret. */
export interface CredentialStatus {
  readonly name: string;
  /** Of the certificate that is shown; undefined where there is none, or it cannot be read. */
  readonly serial: string | undefined;
  readonly notAfterMs: number | undefined;
  /** Why there is none. */
  readonly problem: string | undefined;
}

export function credentialStatus(held: HeldCredentials): readonly CredentialStatus[] {
  return [...held].map(([name, each]) => {
    if ('problem' in each)
      return { name, serial: undefined, notAfterMs: undefined, problem: each.problem };
    const { certificate } = each.credential;
    const leaf = certificate === undefined ? undefined : new X509Certificate(certificate);
    return {
      name,
      serial: leaf?.serialNumber.toLowerCase(),
      notAfterMs: leaf?.validToDate.getTime(),
      problem: undefined,
    };
  });
}
