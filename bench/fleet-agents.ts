import { factTypes } from '../src/agent/facts/fact-cache-facts.ts';
import { obtainSvid } from '../src/agent/identity/obtain-svid.ts';
import { controlPlaneLink } from '../src/agent/link/control-plane-link.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { Identity } from '../src/spiffe/identity.ts';
import { generateKeyPair } from '../src/x509/key-pair.ts';
import { AdsClient } from '../src/xds/ads-client.ts';
import type { ResourceDelta, ResourceSink } from '../src/xds/resource-sink.ts';

/** What the parent tells this process to do: enrol with each token, and be `agents` agents in all. */
export interface FleetOrder {
  readonly port: number;
  readonly tokens: readonly string[];
  readonly agents: number;
  /** The number of the first of them. */
  readonly from: number;
}

/** Where the fleet stands, every 100 ms. Counts of resources are since the last time all were in sync. */
export interface FleetState {
  readonly enrolled: number;
  readonly synced: number;
  readonly waiting: number;
  /** Agents that came into sync more than once since the last outage. */
  readonly twice: number;
  readonly resources: number;
  /** Why agents are cut off, and how many of them for that reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

const ROOT_NAMESPACE = 'istio-system';
const ENROL_AT_ONCE = 4;
const REPORT_MS = 100;

/** Holds versions only, so that the memory and the time of the fleet are not what is measured. */
class CountingSink implements ResourceSink {
  readonly #versions = new Map<string, Map<string, string>>();
  received = 0;

  versions(typeUrl: string): ReadonlyMap<string, string> {
    return this.#versions.get(typeUrl) ?? new Map();
  }

  apply({ typeUrl, resources, removed }: ResourceDelta): readonly [] {
    const held = this.#versions.get(typeUrl) ?? new Map<string, string>();
    this.#versions.set(typeUrl, held);
    for (const { name, version } of resources) held.set(name, version);
    for (const name of removed) held.delete(name);
    this.received += resources.length;
    return [];
  }
}

interface Member {
  readonly client: AdsClient;
  readonly sink: CountingSink;
  syncs: number;
}

process.once('message', (order: FleetOrder) => void run(order));

async function run({ port, tokens, agents, from }: FleetOrder): Promise<void> {
  const address = { host: '127.0.0.1', port };
  const identities = await enrolAll(address, tokens, agents);
  const fleet = identities.map((identity, n) => member(identity, from + n, address));
  process.on('message', (command: 'join' | 'forget') => {
    const stop = new AbortController();
    for (const each of fleet) {
      each.syncs = 0;
      each.sink.received = 0;
      if (command === 'join') void each.client.run(stop.signal);
    }
  });
  setInterval(() => process.send?.(stateOf(fleet)), REPORT_MS);
}

function member(identity: Identity, n: number, address: { host: string; port: number }): Member {
  const sink = new CountingSink();
  const { namespace = 'default' } = identity.svid.id.workload ?? {};
  const name = `agent-${n}`;
  const client = new AdsClient({
    types: factTypes,
    sink,
    clock: systemClock,
    connect: () =>
      controlPlaneLink({
        address,
        bundle: identity.bundle,
        identity,
        rootNamespace: ROOT_NAMESPACE,
      }),
    node: () => ({
      id: `${namespace}/${name}`,
      metadata: {
        NAME: name,
        INSTANCE_IPS: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
        HBONE_PORT: 15008,
        PORTS: { http: 8080 },
      },
    }),
  });
  const one: Member = { client, sink, syncs: 0 };
  client.state.subscribe(({ phase }) => {
    if (phase === 'synced') one.syncs += 1;
  });
  return one;
}

function stateOf(fleet: readonly Member[]): FleetState {
  const inPhase = (phase: string): number =>
    fleet.filter(({ client }) => client.state.current.phase === phase).length;
  return {
    enrolled: fleet.length,
    synced: inPhase('synced'),
    waiting: inPhase('waiting'),
    twice: fleet.filter(({ syncs }) => syncs > 1).length,
    resources: fleet.reduce((sum, { sink }) => sum + sink.received, 0),
    reasons: reasonsOf(fleet),
  };
}

function reasonsOf(fleet: readonly Member[]): Record<string, number> {
  const reasons: Record<string, number> = {};
  for (const { client } of fleet) {
    const state = client.state.current;
    if (state.phase === 'waiting') reasons[state.lastError] = (reasons[state.lastError] ?? 0) + 1;
  }
  return reasons;
}

/** One SVID for each token, and from these the others: every agent has a key and certificate of its own. */
async function enrolAll(
  address: { host: string; port: number },
  tokens: readonly string[],
  agents: number,
): Promise<Identity[]> {
  const { signal } = new AbortController();
  const base = { address, rootNamespace: ROOT_NAMESPACE, clock: systemClock };
  const firsts: Identity[] = [];
  for (const token of tokens) {
    firsts.push(await obtainSvid({ ...base, token })(undefined, generateKeyPair(), signal));
  }
  const renew = obtainSvid({ ...base, token: undefined });
  const all = [...firsts];
  await Promise.all(
    Array.from({ length: ENROL_AT_ONCE }, async (_, worker) => {
      for (let n = firsts.length + worker; n < agents; n += ENROL_AT_ONCE) {
        all.push(await renew(firsts[n % firsts.length], generateKeyPair(), signal));
      }
    }),
  );
  return all;
}
