import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import type { Awaited, RotationEvidence } from '../../ca/rotation-step.ts';
import { annotations } from '../../resources/annotations.ts';
import { certificateRevocationList } from '../../resources/kinds/certificate-revocation-list.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { factTypeUrl } from '../../xds/fact.ts';
import { TRUST_BUNDLE_TYPE } from '../bundles/trust-bundle-resource.ts';
import type { Distribution } from '../distribution/distribution.ts';
import {
  type CertificateHolderOptions,
  certificateHolders,
  registrationsInForce,
} from '../issuance/certificate-holders.ts';
import { workloadNameOf } from '../workloads/agent-presence.ts';
import type { ServedClients } from '../workloads/served-clients.ts';

export interface RotationEvidenceOptions extends CertificateHolderOptions {
  readonly authority: Pick<CertificateAuthority, 'intermediate' | 'trustDomain' | 'slots'>;
  readonly distribution: Pick<Distribution, 'agents' | 'version'>;
  /** How often other trust domains fetch the bundle, in milliseconds; undefined where it is not served to any. */
  readonly bundleHintMs?: number | undefined;
  /** What agents say of the programs that they serve. */
  readonly served: Pick<ServedClients, 'of'>;
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
  /** Programs that live by it and do not hold what it holds. */
  readonly lagging: readonly LaggingView[];
}

/** A program behind an agent. */
export interface LaggingView {
  readonly name: string;
  readonly lacks: string;
  readonly forSeconds: number;
  /** Whether a rotation goes on without it, because it was waited for long enough. */
  readonly givenUp: boolean;
}

export interface RotationFindings extends RotationEvidence {
  readonly agents: readonly Acknowledgement[];
}

/** A checker that has some lists refuses what an authority has signed whose list it lacks. */
const LIST_TYPE = factTypeUrl({
  ...certificateRevocationList,
  version: certificateRevocationList.versions[0],
});
const HINTS_BEFORE_USE = 3;
const ENTRY_KIND = 'WorkloadEntry.networking.istio.io';
/** How long a rotation waits for a program behind an agent that holds what is needed. */
export const CLIENT_PATIENCE_MS = 300_000;
/** The same when each minute is the thief's. */
export const CLIENT_PATIENCE_COMPROMISED_MS = 30_000;

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
  const agents = acknowledgements(options, version);
  const connected = new Set(agents.map(({ id }) => id));
  const { serial } = options.authority.intermediate;
  const outdated = agents.filter(({ signer }) => signer !== serial);
  const served = await registrationsInForce(options);
  const known = certificateHolders(options, '', served);
  const names = new Set(agents.map(({ name }) => name));
  // Who has no certificate any more has to enrol anew, and learns the roots of then.
  const registered = (await registeredAway(options, names)).filter(({ id }) => known.has(id));
  const away = new Map(registered.map((each) => [each.id, each]));
  const holders = certificateHolders(options, serial, served);
  return {
    agents,
    unaware: [
      ...agents.filter(({ acknowledged }) => !acknowledged).map(unaware),
      ...agents.flatMap(behind),
      ...registered,
      ...federated(options),
      // Of whom an agent serves, that agent is asked.
      ...new Set([...known.values()].map(({ holder }) => holder))
        .difference(connected)
        .difference(new Set(away.keys()))
        .values()
        .map((id) => lost(id)),
    ],
    outdated: [
      ...[...holders].map(([id, { untilMs, holder }]): Awaited => {
        const here = (holder === id ? outdated : agents).find((agent) => agent.id === holder);
        const agent = here?.name ?? away.get(holder)?.name ?? holder;
        return {
          ...(holder === id ? { name: agent } : { name: id, behind: agent }),
          id,
          presence: here !== undefined ? 'connected' : away.has(holder) ? 'away' : 'lost',
          lacks: `has a certificate of the old key until ${new Date(untilMs).toISOString()}`,
        };
      }),
      // Has its own certificate, and has not said yet whether those that it serves have theirs.
      ...agents.filter((agent) => agent.signer === serial && isSilent(agent)).map(unaware),
      ...agents.flatMap(behind),
    ],
  };
}

/**
 * Other trust domains fetch the bundle by its refresh hint and tell nobody that they have: a new root
 * is published three hints before it is used (SPIFFE Trust Domain and Bundle). After a compromise
 * nobody is waited for of whom nothing is known.
 */
function federated({
  authority,
  bundleHintMs,
  clock,
}: RotationEvidenceOptions): readonly Awaited[] {
  const { rotation } = authority.slots.current;
  if (bundleHintMs === undefined || rotation.phase !== 'distributing') return [];
  const untilMs = rotation.startedAtMs + HINTS_BEFORE_USE * bundleHintMs;
  if (rotation.role !== 'root' || clock.now() >= untilMs) return [];
  const lacks = `may not have fetched the new root before ${new Date(untilMs).toISOString()}, by the refresh hint of the bundle endpoint`;
  return [{ name: 'federation', id: '', presence: 'lost', lacks }];
}

function isSilent({ acknowledged, rejected }: Acknowledgement): boolean {
  return !acknowledged && rejected === undefined;
}

function acknowledgements(
  options: RotationEvidenceOptions,
  version: number,
): readonly Acknowledgement[] {
  const { agents, version: distributed } = options.distribution;
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
      lagging: laggingBehind(agent.viewer.link, options),
    };
  });
}

function laggingBehind(
  link: object | undefined,
  { served, clock, authority }: RotationEvidenceOptions,
): readonly LaggingView[] {
  const { rotation } = authority.slots.current;
  const course = rotation.phase === 'steady' ? undefined : rotation;
  const patienceMs = course?.compromised ? CLIENT_PATIENCE_COMPROMISED_MS : CLIENT_PATIENCE_MS;
  return served.of(link).map(({ name, lacks, sinceMs }) => {
    // Who lagged before this phase began has had no time yet to take what is new in it.
    const fromMs = Math.max(sinceMs, course?.sinceMs ?? sinceMs);
    return {
      ...{ name, lacks, forSeconds: Math.round((clock.now() - sinceMs) / 1_000) },
      givenUp: clock.now() - fromMs >= patienceMs,
    };
  });
}

function behind({ name: agent, id, lagging }: Acknowledgement): readonly Awaited[] {
  return lagging
    .filter(({ givenUp }) => !givenUp)
    .map(({ name, lacks }) => ({
      ...{ name: `${agent}/${name}`, id, behind: agent, presence: 'connected' },
      lacks: `${lacks}, although its agent has it`,
    }));
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
