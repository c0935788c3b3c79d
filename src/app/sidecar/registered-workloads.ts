import type { FactCache } from '../../agent/facts/fact-cache.ts';
import type { IdentityManager } from '../../agent/identity/identity-manager.ts';
import { obtainRegistered } from '../../agent/identity/obtain-registered.ts';
import {
  RegisteredIdentities,
  type RegisteredIdentity,
} from '../../agent/identity/registered-identities.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Logger } from '../../telemetry/process-log.ts';
import type { SidecarConfig } from './sidecar-config.ts';

/** One workload that this agent serves beside its own, for the status. Times in milliseconds since 1970. */
export interface RegisteredStatus {
  /** `namespace/name` of the WorkloadRegistration. */
  readonly registration: string;
  /** Undefined as long as none was obtained. */
  readonly id: string | undefined;
  readonly serial: string | undefined;
  readonly notAfterMs: number | undefined;
  readonly hint: string | undefined;
  /** Why there is no identity, or no newer one. */
  readonly problem: string | undefined;
}

interface Parts {
  readonly config: SidecarConfig;
  readonly manager: IdentityManager;
  readonly cache: FactCache;
  readonly log: Logger;
  /** Handed over by the sidecar before this one. */
  readonly handedOver: ReadonlyMap<string, Identity> | undefined;
}

/** The identities of the WorkloadRegistrations that name this agent; undefined unless it is to serve them. */
export function registeredWorkloads({
  config,
  manager,
  cache,
  log,
  handedOver,
}: Parts): RegisteredIdentities | undefined {
  if (!config.spiffeSocket.serveRegistered) return undefined;
  const { controlPlane: address, rootNamespace } = config;
  const own = manager.identity;
  return new RegisteredIdentities({
    ...{ facts: cache.facts, own, clock: systemClock, handedOver },
    obtain: obtainRegistered({ address, rootNamespace, own, clock: systemClock }),
    events: {
      issued: ({ registration, identity: { svid } }) =>
        log.info(
          { registration, id: svid.id.toString(), serial: svid.chain[0]?.serial },
          'certificate received for a registered workload',
        ),
      failed: (event) => log.warn(event, 'no certificate for a registered workload, trying again'),
      tooMany: (event) =>
        log.warn(event, 'more WorkloadRegistrations name this agent than it serves'),
    },
  });
}

export function registeredStatus({
  registration: { metadata, spec },
  identity,
  problem,
}: RegisteredIdentity): RegisteredStatus {
  const [leaf] = identity?.svid.chain ?? [];
  return {
    registration: `${metadata.namespace}/${metadata.name}`,
    id: identity?.svid.id.toString(),
    ...{ serial: leaf?.serial, notAfterMs: leaf?.notAfterMs },
    ...{ hint: spec.hint, problem },
  };
}
