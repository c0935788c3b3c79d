import type { OperatorRoutes } from '../apiserver/operator-paths.ts';
import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import type { Store } from '../store/store.ts';
import { fingerprint } from '../x509/certificate.ts';

export interface StatusRouteOptions {
  readonly store: Pick<Store, 'version'>;
  readonly authority: Pick<CertificateAuthority, 'bundle' | 'trustDomain' | 'intermediate'>;
  /** The agents that are connected now. */
  readonly agents: () => readonly unknown[];
}

/** What the control plane is, in short. */
export function statusRoutes({ authority, store, agents }: StatusRouteOptions): OperatorRoutes {
  return {
    'GET /v1/status': async () => {
      const [root] = authority.bundle.current.x509Authorities;
      return {
        trustDomain: authority.trustDomain.name,
        version: store.version,
        root: root && {
          fingerprint: fingerprint(root),
          notAfter: new Date(root.notAfterMs).toISOString(),
        },
        intermediate: {
          serial: authority.intermediate.serial,
          notAfter: new Date(authority.intermediate.notAfterMs).toISOString(),
        },
        agents: agents(),
      };
    },
  };
}
