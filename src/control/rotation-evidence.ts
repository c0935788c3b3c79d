import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import type { Awaited, RotationEvidence } from '../ca/rotation-step.ts';
import type { Clock } from '../lib/clock.ts';
import { annotations } from '../resources/annotations.ts';
import { certificateRevocationList } from '../resources/kinds/certificate-revocation-list.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { Store } from '../store/store.ts';
import { factTypeUrl } from '../xds/fact.ts';
import { workloadNameOf } from './agent-presence.ts';
import type { Distribution } from './distribution.ts';
import type { IssuanceLedger } from './issuance-ledger.ts';
import type { Revocations } from './revocations.ts';
import { TRUST_BUNDLE_TYPE } from './trust-bundle-resource.ts';

export interface RotationEvidenceOptions {
  readonly authority: Pick<CertificateAuthority, 'intermediate' | 'trustDomain'>;
  readonly distribution: Pick<Distribution, 'agents' | 'version'>;
  readonly ledger: Pick<IssuanceLedger, 'outdated'>;
  readonly revocations: Pick<Revocations, 'get'>;
  readonly store: Pick<Store, 'list'>;
  readonly clock: Clock;
  /** The control plane's own, which it renews itself. */
  readonly ownId: string;
}

/** One agent that is connected, and whether it has acknowledged bundle and revocation lists as they are now. */
export interface Acknowledgement {
  readonly name: string;
  readonly id: string;
  readonly acknowledged: boolean;
  /** Serial of the key that signed the certificate that its connection began with. */
  readonly signer: string | undefined;
  /** Why it refused the bundle, if it did. */
  readonly rejected: string | undefined;
}

export interface RotationFindings extends RotationEvidence {
  readonly agents: readonly Acknowledgement[];
}

/** A checker that has some lists refuses what an authority has signed whose list it lacks. */
const LIST_TYPE = factTypeUrl({
  ...certificateRevocationList,
  version: certificateRevocationList.versions[0],
});
const ENTRY_KIND = 'WorkloadEntry.networking.istio.io';
/** Certificates that are looked at, at most; more than these say no more than these. */
const MOST_OUTDATED = 100_000;

/**
 * Who stands in the way of the next step: connected agents by what they acknowledged, and for who is
 * not connected what is registered and which certificates are valid, since they may come back.
 *
 * @param version of the store, from which on bundle and revocation lists are as they are now.
 */
export async function rotationEvidence(
  options: RotationEvidenceOptions,
  version: number,
): Promise<RotationFindings> {
  const agents = acknowledgements(options.distribution, version);
  const connected = new Set(agents.map(({ id }) => id));
  const { serial } = options.authority.intermediate;
  const outdated = agents.filter(({ signer }) => signer !== serial);
  const known = holdersOf(options, '');
  const names = new Set(agents.map(({ name }) => name));
  // Who has no certificate any more has to enrol anew, and learns the roots of then.
  const registered = (await registeredAway(options, names)).filter(({ id }) => known.has(id));
  const away = new Map(registered.map((each) => [each.id, each]));
  const holders = holdersOf(options, serial);
  return {
    agents,
    unaware: [
      ...agents.filter(({ acknowledged }) => !acknowledged).map(unaware),
      ...registered,
      ...[...known.keys()]
        .filter((id) => !connected.has(id) && !away.has(id))
        .map((id) => lost(id)),
    ],
    outdated: [...holders].map(([id, untilMs]) => {
      const here = outdated.find((agent) => agent.id === id);
      return {
        name: here?.name ?? away.get(id)?.name ?? id,
        id,
        presence: here !== undefined ? 'connected' : away.has(id) ? 'away' : 'lost',
        lacks: `has a certificate of the old key until ${new Date(untilMs).toISOString()}`,
      };
    }),
  };
}

function acknowledgements(
  { agents, version: distributed }: RotationEvidenceOptions['distribution'],
  version: number,
): readonly Acknowledgement[] {
  const has = (type: { readonly acknowledged: number } | undefined): boolean =>
    (type?.acknowledged ?? version) >= version;
  return agents.map(({ agent, types }) => {
    const bundle = types.find(({ typeUrl }) => typeUrl === TRUST_BUNDLE_TYPE);
    const lists = types.find(({ typeUrl }) => typeUrl === LIST_TYPE);
    return {
      name: workloadNameOf(agent),
      id: agent.viewer.id.toString(),
      signer: agent.viewer.signer,
      acknowledged: distributed >= version && bundle !== undefined && has(bundle) && has(lists),
      rejected: bundle?.rejected,
    };
  });
}

function unaware({ name, id, rejected }: Acknowledgement): Awaited {
  const lacks =
    rejected === undefined
      ? 'has not acknowledged the bundle yet'
      : `has refused the bundle: ${rejected}`;
  return { name, id, presence: 'connected', lacks };
}

function lost(id: string): Awaited {
  const lacks = 'is not connected, and has a certificate with which it may come back';
  return { name: id, id, presence: 'lost', lacks };
}

async function registeredAway(
  { store, authority }: RotationEvidenceOptions,
  connected: ReadonlySet<string>,
): Promise<readonly Awaited[]> {
  const { items } = await store.list(ENTRY_KIND);
  return items.flatMap(({ metadata }) => {
    const { namespace = '', name: workload } = metadata;
    const account = metadata.annotations?.[annotations.registered];
    const name = `${namespace}/${workload}`;
    if (account === undefined || connected.has(name)) return [];
    const id = SpiffeId.forServiceAccount(authority.trustDomain, namespace, account).toString();
    return [{ name, id, presence: 'away', lacks: 'is registered and not connected' } as const];
  });
}

/** Until when each identity has a certificate that `signer` did not sign; of whichever signer for ''. */
function holdersOf(options: RotationEvidenceOptions, signer: string): ReadonlyMap<string, number> {
  const { ledger, clock, revocations, ownId } = options;
  const untilMs = new Map<string, number>();
  for (const each of ledger.outdated(signer, clock.now(), MOST_OUTDATED)) {
    if (each.id === ownId || revocations.get(each.serial) !== undefined) continue;
    untilMs.set(each.id, Math.max(untilMs.get(each.id) ?? 0, each.notAfterMs));
  }
  return untilMs;
}
