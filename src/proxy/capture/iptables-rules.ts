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
import { named } from './nft-ruleset.ts';

type Family = Cidr['family'];
type Table = 'raw' | 'nat';

/** Where a built-in chain goes on to a chain of a capture. */
export interface IptablesJump {
  readonly from: 'OUTPUT' | 'PREROUTING';
  readonly to: string;
}

/** The chains of a capture in one table. */
export interface IptablesPart {
  readonly table: Table;
  readonly chains: readonly string[];
  readonly jumps: readonly IptablesJump[];
}

/** The chains of a capture of this name; nothing else is in them. In `raw` DNS is tracked apart. */
export function iptablesParts(name: string): readonly [IptablesPart, IptablesPart] {
  const chain = (part: string): string => `HAUBERK_${name.toUpperCase()}_${part}`;
  const [zone, output, captured, inbound] = ['DNS', 'OUT', 'CAP', 'IN'].map(chain) as Chains;
  return [
    { table: 'raw', chains: [zone], jumps: [{ from: 'OUTPUT', to: zone }] },
    {
      table: 'nat',
      chains: [output, captured, inbound],
      jumps: [
        { from: 'OUTPUT', to: output },
        { from: 'PREROUTING', to: inbound },
      ],
    },
  ];
}

type Chains = [string, string, string, string];

/**
 * The plan for one family as commits for `iptables-restore --noflush`, one for each of `parts`: their
 * chains are filled anew, and their jumps, which must be those that are not there yet, are added.
 */
export function iptablesRules(
  plan: CapturePlan,
  family: Family,
  parts: readonly IptablesPart[],
): string {
  const [{ chains }, nat] = iptablesParts(plan.name);
  const [zone = ''] = chains;
  const [output = '', captured = '', inbound = ''] = nat.chains;
  const in4 = (text: string): string => (family === 'ipv4' ? text : '');
  const rules: Record<Table, readonly string[]> = {
    raw: zoneRules(plan, family).map((rule) => `-A ${zone} ${rule}`),
    nat: [
      ...outputRules(plan, captured, in4).map((rule) => `-A ${output} ${rule}`),
      ...capturedRules(plan, family).map((rule) => `-A ${captured} ${rule}`),
      ...inboundRules(plan, family).map((rule) => `-A ${inbound} ${rule}`),
    ],
  };
  return parts
    .map((part) => {
      const jumps = part.jumps.map(({ from, to }) => `-A ${from} -j ${to}`);
      return iptablesRestoration(part, [...rules[part.table], ...jumps]);
    })
    .join('');
}

/** One commit that fills the chains of a part with these rules, and nothing else. */
export function iptablesRestoration(
  { table, chains }: IptablesPart,
  rules: readonly string[],
): string {
  return commit(table, [...chains.map((chain) => `:${chain} - [0:0]`), ...rules]);
}

/** One commit that takes away these jumps and chains, which must all be there. */
export function iptablesRemoval({ table, jumps, chains }: IptablesPart): string {
  return commit(table, [
    ...jumps.map(({ from, to }) => `-D ${from} -j ${to}`),
    ...chains.map((chain) => `-F ${chain}`),
    ...chains.map((chain) => `-X ${chain}`),
  ]);
}

function commit(table: Table, lines: readonly string[]): string {
  return [`*${table}`, ...lines, 'COMMIT', ''].join('\n');
}

/** Captured queries are tracked apart, as `nftRuleset` does and for its reasons. */
function zoneRules({ outbound, proxy, ports }: CapturePlan, family: Family): readonly string[] {
  if (outbound === undefined || ports.dns === undefined) return [];
  return [
    ...exempted(proxy).map((who) => `${who} -j RETURN`),
    ...outbound.from.flatMap((origin) =>
      of(family, outbound.resolvers).map(
        (to) =>
          `-d ${to} -p udp -m udp --dport 53 ${originMatch(origin)}-j CT --zone-orig ${ports.dns}`,
      ),
    ),
  ];
}

function exempted({ uids, gids }: CapturePlan['proxy']): readonly string[] {
  return [
    ...uids.map((uid) => `-m owner --uid-owner ${uid}`),
    ...gids.map((gid) => `-m owner --gid-owner ${gid}`),
  ];
}

function probe({ host, port }: Address): string {
  return `-d ${host}/32 -p tcp -m tcp --dport ${port}`;
}

function outputRules(
  { outbound, proxy, ports }: CapturePlan,
  captured: string,
  in4: (text: string) => string,
): readonly string[] {
  if (outbound === undefined) return [];
  const exempt = exempted(proxy);
  return [
    ...exempt.map((who) =>
      in4(`${probe(PROBES.exempt)} ${who} -j REDIRECT --to-ports ${ports.inbound}`),
    ),
    ...exempt.map((who) => `${who} -j RETURN`),
    ...outbound.from.map((origin) => `${originMatch(origin)}-j ${captured}`),
  ].filter((rule) => rule !== '');
}

function capturedRules({ outbound, ports }: CapturePlan, family: Family): readonly string[] {
  if (outbound === undefined) return [];
  const { resolvers, includePorts, excludePorts, includeCidrs, excludeCidrs } = outbound;
  const { dns } = ports;
  const names = dns === undefined ? [] : of(family, resolvers);
  return [
    ...(family === 'ipv4'
      ? [`${probe(PROBES.captured)} -j REDIRECT --to-ports ${ports.outbound}`]
      : []),
    ...names.flatMap((to) =>
      ['udp', 'tcp'].map(
        (protocol) =>
          `-d ${to} -p ${protocol} -m ${protocol} --dport 53 -m comment --comment "dns ${protocol}" -j REDIRECT --to-ports ${dns}`,
      ),
    ),
    // IPv6 has no broadcasts.
    ...['LOCAL', 'MULTICAST', ...(family === 'ipv4' ? ['BROADCAST'] : [])].map(
      (type) => `-m addrtype --dst-type ${type} -j RETURN`,
    ),
    ...of(family, [...NEVER_OUTBOUND, ...excludeCidrs]).map((to) => `-d ${to} -j RETURN`),
    ...dports(excludePorts).map((match) => `-p tcp ${match} -j RETURN`),
    ...included('-d', includeCidrs, family).flatMap((to) =>
      every(includePorts).map((match) =>
        redirect(`${to}-p tcp ${match}`, ports.outbound, 'outbound'),
      ),
    ),
  ];
}

function inboundRules({ inbound, ports }: CapturePlan, family: Family): readonly string[] {
  if (inbound === undefined) return [];
  const { includePorts, excludePorts, includeCidrs, excludeCidrs } = inbound;
  const never = NEVER_INBOUND.filter((port) => !named(port, includePorts));
  const excluded = [...never.map((port) => ({ first: port, last: port })), ...excludePorts];
  return [
    '-i lo -j RETURN',
    '-m addrtype ! --dst-type LOCAL -j RETURN',
    ...dports(excluded).map((match) => `-p tcp ${match} -j RETURN`),
    ...of(family, excludeCidrs).map((from) => `-s ${from} -j RETURN`),
    ...included('-s', includeCidrs, family).flatMap((from) =>
      every(includePorts).map((match) =>
        redirect(`${from}-p tcp ${match}`, ports.inbound, 'inbound'),
      ),
    ),
  ];
}

function originMatch(origin: Origin): string {
  switch (origin.kind) {
    case 'all':
      return '';
    case 'uid':
      return `-m owner --uid-owner ${origin.uid} `;
    case 'gid':
      return `-m owner --gid-owner ${origin.gid} `;
    case 'cgroup':
      return `-m cgroup --path ${origin.path} `;
  }
}

function redirect(match: string, port: number, what: string): string {
  return `${match.trimEnd()} -m comment --comment "${what}" -j REDIRECT --to-ports ${port}`;
}

function of(family: Family, cidrs: readonly Cidr[]): readonly string[] {
  return cidrs.filter((each) => each.family === family).map(({ text }) => text);
}

/** The ranges of this family; one empty match where there are none at all. */
function included(flag: '-d' | '-s', cidrs: readonly Cidr[], family: Family): readonly string[] {
  return cidrs.length === 0 ? [''] : of(family, cidrs).map((cidr) => `${flag} ${cidr} `);
}

function dports(ports: readonly PortRange[]): readonly string[] {
  return ports.map(({ first, last }) =>
    first === last ? `-m tcp --dport ${first}` : `-m tcp --dport ${first}:${last}`,
  );
}

function every(ports: readonly PortRange[]): readonly string[] {
  return ports.length === 0 ? [''] : dports(ports);
}
