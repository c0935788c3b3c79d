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

/** Where the built-in chains of table `nat` go on to the chains of a capture. */
export interface IptablesJump {
  readonly from: 'OUTPUT' | 'PREROUTING';
  readonly to: string;
}

/** The chains of a capture of this name; nothing else is in them. */
export function iptablesChains(name: string): {
  readonly jumps: readonly IptablesJump[];
  readonly all: readonly string[];
} {
  const chain = (part: string): string => `HAUBERK_${name.toUpperCase()}_${part}`;
  const [output, captured, inbound] = [chain('OUT'), chain('CAP'), chain('IN')];
  return {
    jumps: [
      { from: 'OUTPUT', to: output },
      { from: 'PREROUTING', to: inbound },
    ],
    all: [output, captured, inbound],
  };
}

/**
 * The plan for one family as one commit for `iptables-restore --noflush`: the chains are filled
 * anew, and `jumps`, those that are not there yet, are added.
 */
export function iptablesRules(
  plan: CapturePlan,
  family: Family,
  jumps: readonly IptablesJump[],
): string {
  const { all } = iptablesChains(plan.name);
  const [output = '', captured = '', inbound = ''] = all;
  const in4 = (text: string): string => (family === 'ipv4' ? text : '');
  const rules = [
    ...outputRules(plan, captured, in4).map((rule) => `-A ${output} ${rule}`),
    ...capturedRules(plan, family).map((rule) => `-A ${captured} ${rule}`),
    ...inboundRules(plan, family).map((rule) => `-A ${inbound} ${rule}`),
    ...jumps.map(({ from, to }) => `-A ${from} -j ${to}`),
  ];
  return commit([...all.map((chain) => `:${chain} - [0:0]`), ...rules]);
}

/** One commit that fills the chains of a capture with these rules again, as they were listed. */
export function iptablesRestoration(name: string, rules: readonly string[]): string {
  return commit([...iptablesChains(name).all.map((chain) => `:${chain} - [0:0]`), ...rules]);
}

/** One commit that takes away these jumps and chains, which must all be there. */
export function iptablesRemoval(jumps: readonly IptablesJump[], chains: readonly string[]): string {
  return commit([
    ...jumps.map(({ from, to }) => `-D ${from} -j ${to}`),
    ...chains.map((chain) => `-F ${chain}`),
    ...chains.map((chain) => `-X ${chain}`),
  ]);
}

function commit(lines: readonly string[]): string {
  return ['*nat', ...lines, 'COMMIT', ''].join('\n');
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
  const exempt = [
    ...proxy.uids.map((uid) => `-m owner --uid-owner ${uid}`),
    ...proxy.gids.map((gid) => `-m owner --gid-owner ${gid}`),
  ];
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
