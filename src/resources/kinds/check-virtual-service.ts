import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isIpAddress, isIpBlock } from '../ip-syntax.ts';
import type { Report } from '../kind-definition.ts';
import { checkLabels } from '../metadata.ts';
import type { ObjectMeta } from '../resource.ts';
import { checkHttpRoute } from './check-http-route.ts';
import { checkExportTo } from './export-to.ts';
import { hostOrAddressProblem, wildcardHostProblem } from './host-name.ts';
import { checkWeights } from './route-weights.ts';
import type { VirtualServiceSpec } from './virtual-service-schema.ts';

interface VirtualService {
  readonly metadata: ObjectMeta;
  readonly spec: VirtualServiceSpec;
}

type TlsRoute = NonNullable<VirtualServiceSpec['tls']>[number];
type TcpRoute = NonNullable<VirtualServiceSpec['tcp']>[number];

const MESH = 'mesh';

/** Reports what Istio refuses of a VirtualService beyond its schema. */
export function checkVirtualService({ metadata, spec }: VirtualService, report: Report): void {
  const { hosts = [], gateways = [], http = [], tls = [], tcp = [], exportTo } = spec;
  const onMesh = gateways.length === 0 || gateways.includes(MESH);
  if (hosts.length === 0) checkDelegate(spec, report);
  checkHosts(hosts, onMesh, report);
  for (const [index, gateway] of gateways.entries()) {
    if (gateway === '') report(fieldOf(['gateways', index], 'spec'), 'must not be empty');
  }
  if (http.length + tls.length + tcp.length === 0) {
    report('spec', 'must have at least one of http, tls and tcp');
  }
  for (const [index, route] of http.entries()) {
    const delegated = hosts.length === 0;
    checkHttpRoute(route, { field: fieldOf(['http', index], 'spec'), delegated, gateways }, report);
  }
  for (const [index, route] of tls.entries()) {
    checkTlsRoute(route, { field: fieldOf(['tls', index], 'spec'), hosts }, report);
  }
  for (const [index, route] of tcp.entries()) {
    checkTcpRoute(route, fieldOf(['tcp', index], 'spec'), report);
  }
  checkExportTo({ exportTo, namespace: metadata.namespace, mayBeNobody: false }, report);
}

/** Reports what of a VirtualService is allowed and hardly meant. */
export function warnOfVirtualService({ spec }: VirtualService, report: Report): void {
  for (const [index, gateway] of (spec.gateways ?? []).entries()) {
    if (!gateway.includes('/') && gateway.includes('.')) {
      report(
        fieldOf(['gateways', index], 'spec'),
        `${quote(gateway)} is the old form; write <namespace>/<name>`,
      );
    }
  }
  warnOfUnreachable(spec.http ?? [], report);
  const matches = (spec.tls ?? []).flatMap(({ match }, index) =>
    match.map(({ sniHosts }, number) => ({ path: ['tls', index, 'match', number], sniHosts })),
  );
  for (const { path, sniHosts } of matches) {
    const at = sniHosts.findIndex(isIpAddress);
    if (at >= 0) {
      report(
        fieldOf([...path, 'sniHosts', at], 'spec'),
        `${quote(sniHosts[at] ?? '')} is an address, which no client sends as server name`,
      );
    }
  }
}

function checkHosts(hosts: readonly string[], onMesh: boolean, report: Report): void {
  for (const [index, host] of hosts.entries()) {
    const field = fieldOf(['hosts', index], 'spec');
    const problem = hostOrAddressProblem(host);
    if (problem !== undefined) report(field, problem);
    if (hosts.indexOf(host) !== index) report(field, `${quote(host)} is there already`);
    if (host === '*' && onMesh) {
      report(field, 'wildcard host "*" is not allowed for the gateway "mesh"; name a Gateway');
    }
  }
}

function checkDelegate({ gateways = [], tls = [], tcp = [] }: VirtualServiceSpec, report: Report) {
  const given = [
    ...(gateways.length > 0 ? ['gateways'] : []),
    ...(tls.length > 0 ? ['tls'] : []),
    ...(tcp.length > 0 ? ['tcp'] : []),
  ];
  if (given.length > 0) {
    report('spec.hosts', `is required with ${given.join(', ')}: a delegate has http only`);
  }
}

/** Rules after one that matches everything, and matches that an earlier one has word for word. */
function warnOfUnreachable(http: NonNullable<VirtualServiceSpec['http']>, report: Report): void {
  const seen = new Map<string, number>();
  const everything = http.findIndex(({ match = [] }) => match.length === 0);
  for (const [index, { match = [] }] of http.entries()) {
    const field = fieldOf(['http', index], 'spec');
    if (everything >= 0 && index > everything) {
      report(field, `is never reached: rule ${everything} before it matches everything`);
      continue;
    }
    const texts = match.map(({ name: _name, ...rest }) => JSON.stringify(rest));
    const [first, ...others] = texts.filter((text) => seen.has(text));
    if (first !== undefined) {
      const all = others.length + 1 === texts.length;
      const rule = seen.get(first);
      if (all) report(field, `is never reached: rule ${rule} has the same matches`);
      else report(`${field}.match`, `has a match that rule ${rule} has already`);
    }
    for (const text of texts) seen.set(text, seen.get(text) ?? index);
  }
}

function checkTlsRoute(
  { match, route = [] }: TlsRoute,
  { field, hosts }: { readonly field: string; readonly hosts: readonly string[] },
  report: Report,
): void {
  if (match.length === 0) report(`${field}.match`, 'must have at least one match');
  for (const [index, condition] of match.entries()) {
    const at = fieldOf(['match', index], field);
    const { sniHosts } = condition;
    if (sniHosts.length === 0) report(`${at}.sniHosts`, 'must have at least one server name');
    for (const [number, host] of sniHosts.entries()) {
      const problem = isIpAddress(host) ? undefined : wildcardHostProblem(host);
      const where = fieldOf(['sniHosts', number], at);
      if (problem !== undefined) report(where, problem);
      else if (!hosts.some((owner) => covers(owner, host))) {
        report(where, `${quote(host)} is not one of spec.hosts, nor covered by one`);
      }
    }
    checkConnection(condition, at, report);
  }
  checkRoutes(route, field, report);
}

function checkTcpRoute({ match = [], route = [] }: TcpRoute, field: string, report: Report): void {
  for (const [index, condition] of match.entries()) {
    checkConnection(condition, fieldOf(['match', index], field), report);
  }
  checkRoutes(route, field, report);
}

function checkConnection(
  { port = 1, destinationSubnets = [], sourceLabels }: NonNullable<TcpRoute['match']>[number],
  field: string,
  report: Report,
): void {
  if (port < 1 || port > 65535) report(`${field}.port`, 'must be between 1 and 65535');
  for (const [index, subnet] of destinationSubnets.entries()) {
    if (!isIpBlock(subnet)) {
      report(
        fieldOf(['destinationSubnets', index], field),
        `${quote(subnet)} is not an IP address or CIDR range`,
      );
    }
  }
  checkLabels(sourceLabels, `${field}.sourceLabels`, report);
}

function checkRoutes(route: NonNullable<TcpRoute['route']>, field: string, report: Report): void {
  if (route.length === 0) report(`${field}.route`, 'must have at least one destination');
  checkWeights(route, field, report);
}

/** Whether every name that `host` means is one that `owner` means. */
function covers(owner: string, host: string): boolean {
  if (owner === host || owner === '*') return true;
  return owner.startsWith('*') && host.endsWith(owner.slice(1));
}
