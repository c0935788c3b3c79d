import type { AttestedCaller } from '../../attestation/attestor.ts';
import { DELEGATED } from '../../attestation/svid-attestor.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { mayServe } from '../../policy/match-registration.ts';
import { qualifiedKind } from '../../resources/kind-definition.ts';
import {
  type WorkloadRegistration,
  workloadRegistration,
} from '../../resources/kinds/workload-registration.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { Store } from '../../store/store.ts';
import type { IssuanceLedger } from './issuance-ledger.ts';

/** Whom a certificate is for, and what else is in it. */
export interface Grant {
  readonly id: SpiffeId;
  /** Who asked: for the ledger and the audit log. */
  readonly by: string;
  readonly dnsSans: readonly string[] | undefined;
  readonly ceilingMs: number | undefined;
  /** Serial of the certificate for the same workload that the agent has, as it says. */
  readonly replaces?: string;
}

/** What an agent writes into the request's metadata; the first name is Istio's. */
const IMPERSONATED_IDENTITY = 'ImpersonatedIdentity';
const REGISTRATION = 'WorkloadRegistration';
const REPLACES = 'Replaces';
/** Before the agent's SPIFFE ID, where ledger and audit log say who asked. */
const AGENT = 'agent ';

export const REGISTRATION_KIND: string = qualifiedKind(workloadRegistration);

/**
 * For whom `caller` may have a certificate: for itself, or, when it asks for another identity, for
 * that of a WorkloadRegistration that names this very caller among its agents. Everything else is
 * refused, in the same words whether there is such a registration or not.
 *
 * @throws {MeshError} ERR_FORBIDDEN.
 */
export async function grantOf(
  store: Pick<Store, 'get'>,
  caller: AttestedCaller,
  metadata: Readonly<Record<string, unknown>>,
): Promise<Grant> {
  const { [IMPERSONATED_IDENTITY]: identity, [REGISTRATION]: reference } = metadata;
  const { [REPLACES]: replaces } = metadata;
  if (caller.by === DELEGATED) throw delegated(caller);
  if (identity === undefined && reference === undefined) {
    return { id: caller.id, by: caller.by, dnsSans: undefined, ceilingMs: undefined };
  }
  const id = identityOf(identity);
  const registration = await registrationOf(store, reference);
  if (
    id === undefined ||
    registration === undefined ||
    // What came by a token or from elsewhere is not an agent that has proved itself by its own SVID.
    caller.by !== 'svid' ||
    !mayServe(registration, caller.id) ||
    id.toString() !== registeredId(registration, caller.id).toString()
  ) {
    throw refused(caller, identity, reference);
  }
  const { dnsNames, lifetime } = registration.spec;
  return {
    ...{ id, by: `${AGENT}${caller.id}` },
    dnsSans: dnsNames?.length ? dnsNames : undefined,
    ceilingMs: lifetime === undefined ? undefined : parseDuration(lifetime),
    ...(typeof replaces === 'string' && isSerial(replaces) ? { replaces } : {}),
  };
}

/** Whether a certificate was given to an agent by a registration. */
export function isDelegated(ledger: Pick<IssuanceLedger, 'attestorOf'>, serial: string): boolean {
  return agentOf(ledger.attestorOf(serial)) !== undefined;
}

/** The SPIFFE ID of the agent that a certificate was given to, by what the ledger says of it. */
export function agentOf(attestor: string | undefined): string | undefined {
  return attestor?.startsWith(AGENT) ? attestor.slice(AGENT.length) : undefined;
}

function isSerial(text: string): boolean {
  return /^[0-9a-f]{1,64}$/.test(text);
}

/** What was given to an agent is renewed by the agent alone, which must still be entitled to it then. */
export function delegated({ id }: AttestedCaller): MeshError {
  return new MeshError(
    'ERR_FORBIDDEN',
    `this certificate of "${id}" was given to an agent by a WorkloadRegistration; only that agent can renew it, in its own name`,
  );
}

function registeredId({ metadata, spec }: WorkloadRegistration, agent: SpiffeId): SpiffeId {
  const { namespace } = metadata;
  return SpiffeId.parse(`${agent.trustDomain.id}/ns/${namespace}/sa/${spec.serviceAccount}`);
}

function identityOf(value: unknown): SpiffeId | undefined {
  try {
    return typeof value === 'string' ? SpiffeId.parse(value) : undefined;
  } catch (error) {
    if (MeshError.is(error)) return undefined;
    throw error;
  }
}

async function registrationOf(
  store: Pick<Store, 'get'>,
  reference: unknown,
): Promise<WorkloadRegistration | undefined> {
  if (typeof reference !== 'string') return undefined;
  const [namespace, name, ...rest] = reference.split('/');
  if (!namespace || !name || rest.length > 0) return undefined;
  const found = await store.get({ kind: REGISTRATION_KIND, namespace, name });
  return found as WorkloadRegistration | undefined;
}

function refused({ id }: AttestedCaller, identity: unknown, reference: unknown): MeshError {
  const shown = [identity, reference].map((value) => JSON.stringify(value ?? '')?.slice(0, 300));
  return new MeshError(
    'ERR_FORBIDDEN',
    `"${id}" may not have a certificate for ${shown[0]} by WorkloadRegistration ${shown[1]}; one must exist there for that service account, and name this agent in spec.agents`,
  );
}
