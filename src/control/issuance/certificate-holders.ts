import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import type { Clock } from '../../lib/clock.ts';
import { mayServe } from '../../policy/match-registration.ts';
import type { WorkloadRegistration } from '../../resources/kinds/workload-registration.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { Store } from '../../store/store.ts';
import type { Revocations } from '../revocation/revocations.ts';
import { agentOf, REGISTRATION_KIND } from './delegation.ts';
import type { IssuanceLedger } from './issuance-ledger.ts';

export interface CertificateHolderOptions {
  readonly authority: Pick<CertificateAuthority, 'trustDomain'>;
  readonly ledger: Pick<IssuanceLedger, 'held'>;
  readonly revocations: Pick<Revocations, 'list'>;
  readonly store: Pick<Store, 'list'>;
  readonly clock: Clock;
  /** The control plane's own, which it renews itself. */
  readonly ownId: string;
}

/** A certificate that is valid, by its identity. */
export interface Held {
  readonly untilMs: number;
  /** SPIFFE ID of who holds it: the workload itself, or the agent that was given it. */
  readonly holder: string;
}

/** Says whether an agent may still have certificates of that identity. */
export type MayServe = (agent: string, id: string) => boolean;

export async function registrationsInForce({
  store,
  authority,
}: Pick<CertificateHolderOptions, 'store' | 'authority'>): Promise<MayServe> {
  const { items } = await store.list(REGISTRATION_KIND);
  const { trustDomain } = authority;
  const byId = new Map<string, WorkloadRegistration[]>();
  for (const item of items) {
    const registration = item as WorkloadRegistration;
    const { namespace = '' } = registration.metadata;
    const { serviceAccount } = registration.spec;
    const id = SpiffeId.forServiceAccount(trustDomain, namespace, serviceAccount).toString();
    byId.set(id, [...(byId.get(id) ?? []), registration]);
  }
  return (agent, id) =>
    byId.get(id)?.some((registration) => mayServe(registration, SpiffeId.parse(agent))) === true;
}

/**
 * What each identity has of certificates that `signer` did not sign; of whichever signer for ''. What
 * an agent was given by a registration that has gone is nobody's any more.
 */
export function certificateHolders(
  options: CertificateHolderOptions,
  signer: string,
  mayHave: MayServe,
): ReadonlyMap<string, Held> {
  const { ledger, clock, revocations, ownId } = options;
  const held = new Map<string, Held>();
  const without = revocations.list().map(({ serial }) => serial);
  const nowMs = clock.now();
  for (const each of ledger.held({ signerSerial: signer, nowMs, without })) {
    const { id, attestor, untilMs } = each;
    if (id === ownId) continue;
    const before = held.get(id);
    const agent = agentOf(attestor);
    if (agent !== undefined && !mayHave(agent, id)) continue;
    // Where it has one of its own too, that one counts: it may come back by itself.
    const holder = agent === undefined || before?.holder === id ? id : agent;
    held.set(id, { holder, untilMs: Math.max(before?.untilMs ?? 0, untilMs) });
  }
  return held;
}
