import type { Attestor } from '../../attestation/attestor.ts';
import { CredentialChanges } from '../../control/credentials/credential-changes.ts';
import { credentialService } from '../../control/credentials/credential-service.ts';
import type { Task } from '../../lib/tasks.ts';
import type { ControlPlaneParts } from './control-plane-parts.ts';

/** What gives workloads the credentials that rules name for them. */
export interface CredentialDistribution {
  readonly service: ReturnType<typeof credentialService>;
  readonly run: Task;
}

export function credentialDistribution(
  { config, store, ledger, revocations, events, clock }: ControlPlaneParts,
  attestor: Attestor,
  signal: AbortSignal,
): CredentialDistribution {
  const { rootNamespace } = config;
  const changes = new CredentialChanges({ store, clock, events });
  const service = credentialService({
    ...{ store, rootNamespace, attestor, changes, events, signal },
    ...{ ledger, revocations, clock },
  });
  return { service, run: changes.run };
}
