import type { HealthCheck } from '../../apiserver/health-checks.ts';
import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Store } from '../../store/store.ts';

/** What the control plane needs to be of use to workloads; `/readyz` and `/ready` say whether it has it. */
export function readinessChecks({
  store,
  authority,
  clock,
}: {
  readonly store: Pick<Store, 'version'>;
  readonly authority: Pick<CertificateAuthority, 'intermediate'>;
  readonly clock: Clock;
}): readonly HealthCheck[] {
  return [
    {
      name: 'store',
      problem: () => (store.version < 0 ? 'the store has no version' : undefined),
    },
    {
      name: 'signing-certificate',
      problem: () => {
        const { notAfterMs } = authority.intermediate;
        if (notAfterMs > clock.now()) return undefined;
        return `the signing certificate expired at ${new Date(notAfterMs).toISOString()}`;
      },
    },
  ];
}
