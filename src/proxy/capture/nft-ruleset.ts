import type { Address } from '../address.ts';
import {
  type CapturePlan,
  type Cidr,
  NEVER_INBOUND,
  NEVER_OUTBOUND,
  type Origin,
  type PortRange,
} from './capture-plan.ts';
import { PROBES } from './loop-guard.ts';

/** The nftables table that a capture of this name lives in; it holds nothing else. */
export function nftTable(name: string): string {
  return `hauberk_${name}`;
}

/**
 * The plan as one transaction for `nft -f`: the table is made anew, so that what was there under this
 * name before is replaced in one step, and a mistake changes nothing.
 */
export function nftRuleset(plan: CapturePlan): string {
  const table = `table inet ${nftTable(plan.name)}`;
  const chains = [...zoneChain(plan), ...outboundChains(plan), ...inboundChain(plan)];
  return [
    `${table}`,
    `delete ${table}`,
    `${table} {`,
    ...chains.flatMap(({ name, rules }) => [
      `  chain ${name} {`,
      ...rules.map((rule) => `    ${rule}`),
      '  }',
    ]),
    '}',
    '',
  ].join('\n');
}

interface Chain {
  readonly name: string;
  readonly rules: readonly string[];
}

/**
 * Queries that are captured are tracked apart (in a zone, by the number of the DNS port, which each sidecar of a
 * host has for itself). A query of somebody else to the same resolver, from a port that a captured one had or
 * will have within half a minute, would else be taken for that one, and go its way: past the sidecar, or
 * from the sidecar back to itself.
 */
function zoneChain({ outbound, ports, proxy }: CapturePlan): readonly Chain[] {
  if (outbound === undefined || ports.dns === undefined) return [];
  const queries = addresses('daddr', outbound.resolvers);
  const rules = [
    'type filter hook output priority -300; policy accept;',
    ...exempted(proxy).map((match) => `${match} return`),
    ...outbound.from.flatMap((origin) =>
      queries.map(
        (server) =>
          `${originMatch(origin)}${server} udp dport 53 ct original zone set ${ports.dns}`,
      ),
    ),
  ];
  return [{ name: 'queries', rules }];
}

function exempted({ uids, gids }: CapturePlan['proxy']): readonly string[] {
  return [...uids.map((uid) => `meta skuid ${uid}`), ...gids.map((gid) => `meta skgid ${gid}`)];
}

function outboundChains({ outbound, ports, proxy }: CapturePlan): readonly Chain[] {
  if (outbound === undefined) return [];
  const exempt = exempted(proxy);
  const output: Chain = {
    name: 'output',
    rules: [
      'type nat hook output priority -100; policy accept;',
      ...exempt.map((match) => `${match} ${to(PROBES.exempt)} redirect to :${ports.inbound}`),
      ...exempt.map((match) => `${match} return`),
      ...outbound.from.map((origin) => `${originMatch(origin)}jump captured`),
    ],
  };
  const { resolvers, includePorts, excludePorts, includeCidrs, excludeCidrs } = outbound;
  const captured: Chain = {
    name: 'captured',
    rules: [
      `${to(PROBES.captured)} redirect to :${ports.outbound}`,
      ...(ports.dns === undefined
        ? []
        : addresses('daddr', resolvers).flatMap((server) =>
            ['udp', 'tcp'].map((protocol) =>
              redirect(`${server} ${protocol} dport 53`, ports.dns ?? 0, `dns ${protocol}`),
            ),
          )),
      'fib daddr type { local, broadcast, multicast } return',
      ...addresses('daddr', [...NEVER_OUTBOUND, ...excludeCidrs]).map((match) => `${match} return`),
      ...dports(excludePorts).map((match) => `${match} return`),
      ...each(addresses('daddr', includeCidrs)).map((match) =>
        redirect(`${match}${allPorts(includePorts)}`, ports.outbound, 'outbound'),
      ),
    ],
  };
  // A chain must be there before another one jumps to it.
  return [captured, output];
}

function inboundChain({ inbound, ports }: CapturePlan): readonly Chain[] {
  if (inbound === undefined) return [];
  const never = NEVER_INBOUND.filter((port) => !named(port, inbound.includePorts));
  const excluded = [...never.map((port) => ({ first: port, last: port })), ...inbound.excludePorts];
  const rules = [
    'type nat hook prerouting priority -100; policy accept;',
    'iifname "lo" return',
    'fib daddr type != local return',
    ...dports(excluded).map((match) => `${match} return`),
    ...addresses('saddr', inbound.excludeCidrs).map((from) => `${from} return`),
    ...each(addresses('saddr', inbound.includeCidrs)).map((from) =>
      redirect(`${from}${allPorts(inbound.includePorts)}`, ports.inbound, 'inbound'),
    ),
  ];
  return [{ name: 'inbound', rules }];
}

function to({ host, port }: Address): string {
  return `ip daddr ${host} tcp dport ${port}`;
}

function originMatch(origin: Origin): string {
  switch (origin.kind) {
    case 'all':
      return '';
    case 'uid':
      return `meta skuid ${origin.uid} `;
    case 'gid':
      return `meta skgid ${origin.gid} `;
    case 'cgroup':
      return `socket cgroupv2 level ${origin.level} "${origin.mountedPath}" `;
  }
}

function redirect(match: string, port: number, what: string): string {
  return `${match} counter redirect to :${port} comment "${what}"`.trimStart();
}

/** One match a family that is in the list. */
function addresses(side: 'daddr' | 'saddr', cidrs: readonly Cidr[]): readonly string[] {
  const of = (family: Cidr['family'], word: string): string[] => {
    const texts = cidrs.filter((each) => each.family === family).map(({ text }) => text);
    return texts.length === 0 ? [] : [`${word} ${side} { ${texts.join(', ')} }`];
  };
  return [...of('ipv4', 'ip'), ...of('ipv6', 'ip6')];
}

/** An empty match where there is none. */
function each(matches: readonly string[]): readonly string[] {
  return matches.length === 0 ? [''] : matches.map((match) => `${match} `);
}

function allPorts(ports: readonly PortRange[]): string {
  return dports(ports)[0] ?? 'meta l4proto tcp';
}

function dports(ports: readonly PortRange[]): readonly string[] {
  if (ports.length === 0) return [];
  const texts = ports.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return [`tcp dport { ${texts.join(', ')} }`];
}

/** Whether the list has the port as itself, and not only within a range. */
export function named(port: number, ports: readonly PortRange[]): boolean {
  return ports.some(({ first, last }) => first === port && last === port);
}
