import type { Service } from '../../resources/kinds/service.ts';
import type { ServiceEntry } from '../../resources/kinds/service-entry.ts';
import type { VirtualService } from '../../resources/kinds/virtual-service.ts';
import type { Resource } from '../../resources/resource.ts';
import { selects } from '../label-selector.ts';
import { type AnalyzedMesh, fullHost, knownUnder, selectedWorkloads } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';
import { namedGateways } from './named-gateways.ts';

const CLAIMS = '@request.auth.claims';

interface Destination {
  readonly host: string;
  readonly subset?: string;
  readonly port?: { readonly number?: number };
}

/** IST0101: Gateways, hosts, ports and subsets that VirtualServices name and that are not there. */
export function missingDestinations(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.virtualServices.flatMap((virtualService) => {
    const { namespace = '' } = virtualService.metadata;
    const missing = namedGateways(mesh, virtualService.spec.gateways ?? [], namespace)
      .filter(({ exists }) => !exists)
      .map(({ name }) => `gateway not found: "${name}"`);
    for (const destination of destinationsOf(virtualService)) {
      missing.push(...missingOf(mesh, destination, namespace));
    }
    return [...new Set(missing)].map(
      (what): Finding => ({
        code: 'IST0101',
        resource: virtualService,
        message: `referenced ${what}`,
      }),
    );
  });
}

function missingOf(
  mesh: AnalyzedMesh,
  { host, subset = '', port }: Destination,
  namespace: string,
): readonly string[] {
  const full = fullHost(host, namespace);
  const known = knownUnder(mesh, full).filter((each) => isVisible(each, namespace));
  if (known.length === 0) return [`host not found: "${host}"`];
  const missing =
    subset !== '' && !hasSubset(mesh, full, subset)
      ? [`host+subset in destinationrule not found: "${host}+${subset}"`]
      : [];
  const ports = known.flatMap(portsOf);
  if (port?.number === undefined || ports.length === 0 || ports.includes(port.number)) {
    return missing;
  }
  return [...missing, `host:port not found: "${host}:${port.number}"`];
}

const EXPORT_TO = 'networking.istio.io/exportTo';

/** Whether a Service or ServiceEntry is known in `namespace`. */
function isVisible({ kind, metadata, spec }: Resource, namespace: string): boolean {
  const written =
    kind === 'Service'
      ? (metadata.annotations?.[EXPORT_TO] ?? '').split(',').map((scope) => scope.trim())
      : ((spec as ServiceEntry['spec']).exportTo ?? []);
  const scopes = written.filter((scope) => scope !== '');
  return (
    scopes.length === 0 ||
    scopes.some((scope) => {
      return scope === '*' || (scope === '.' ? metadata.namespace : scope) === namespace;
    })
  );
}

function portsOf({ kind, spec }: Resource): readonly number[] {
  return kind === 'Service'
    ? ((spec as Service['spec']).ports ?? []).map(({ port }) => port)
    : ((spec as ServiceEntry['spec']).ports ?? []).map(({ number }) => number);
}

function destinationsOf({ spec }: VirtualService): readonly Destination[] {
  const routes = [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])];
  return [
    ...routes.flatMap(({ route = [] }) => route.map(({ destination }) => destination)),
    ...(spec.http ?? []).flatMap(({ mirror, mirrors = [] }) => [
      ...(mirror === undefined ? [] : [mirror]),
      ...mirrors.map(({ destination }) => destination),
    ]),
  ];
}

function hasSubset(mesh: AnalyzedMesh, host: string, subset: string): boolean {
  return mesh.destinationRules.some(
    ({ metadata, spec }) =>
      fullHost(spec.host, metadata.namespace ?? '') === host &&
      (spec.subsets ?? []).some(({ name }) => name === subset),
  );
}

/** IST0132: hosts that the Gateways of a VirtualService do not serve. */
export function hostsNotOnGateway(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.virtualServices.flatMap((virtualService) => {
    const { namespace = '', name } = virtualService.metadata;
    const { hosts = [], gateways = [] } = virtualService.spec;
    return namedGateways(mesh, gateways, namespace).flatMap(
      ({ name: place, serves }): Finding[] => {
        if (hosts.some(serves)) return [];
        const message = `Gateway ${place} serves none of the hosts ${hosts.join(', ')} of VirtualService ${name}`;
        return [{ code: 'IST0132', resource: virtualService, message }];
      },
    );
  });
}

type Match = Readonly<Record<string, unknown>>;

/** IST0130, IST0131: routes and matches that one before them covers. */
export function uselessRoutes(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.virtualServices.flatMap((virtualService) => {
    const { http = [], tls = [], tcp = [] } = virtualService.spec;
    return [http, tls, tcp].flatMap((routes) => {
      const seen: { readonly rule: number; readonly match: Match }[] = [];
      let last: number | undefined;
      return routes.flatMap(({ match = [] }, index): Finding[] => {
        if (last !== undefined) {
          const message = `rule ${index} is not used: rule ${last} before it takes everything`;
          return [{ code: 'IST0130', resource: virtualService, message }];
        }
        if (match.length === 0) last = index;
        let same = 0;
        const found = match.flatMap((each, number): Finding[] => {
          const own = each as Match;
          const before = seen.find((earlier) => coversMatch(earlier.match, own));
          if (seen.length < MOST_MATCHES) seen.push({ rule: index, match: own });
          if (before === undefined) return [];
          if (isSameMatch(before.match, own)) same += 1;
          const message = `match ${number} of rule ${index} is not used: one of rule ${before.rule} takes all that it would`;
          return [{ code: 'IST0131', resource: virtualService, message }];
        });
        if (match.length === 0 || same < match.length) return found;
        const message = `rule ${index} is not used: rules before it have all of its matches`;
        return [{ code: 'IST0130', resource: virtualService, message }, ...found];
      });
    });
  });
}

/** Bounds the comparison of every match with those before it. */
const MOST_MATCHES = 500;

/** Whether each field of `wide` is there in `narrow` too, a prefix of a path perhaps longer. */
function coversMatch(wide: Match, narrow: Match): boolean {
  if (isSameMatch(wide, narrow)) return true;
  const { name: _name, uri, ...others } = wide;
  const prefix = prefixOf(uri);
  const longer = prefixOf(narrow['uri']);
  if (prefix === undefined || longer === undefined || !longer.startsWith(prefix)) return false;
  return Object.entries(others).every(
    ([field, value]) => textOf(value) === textOf(narrow[field] ?? null),
  );
}

function isSameMatch(a: Match, b: Match): boolean {
  const { name: _a, ...one } = a;
  const { name: _b, ...other } = b;
  return textOf(one) === textOf(other);
}

function prefixOf(uri: unknown): string | undefined {
  const { prefix } = (uri ?? {}) as { readonly prefix?: string };
  return prefix;
}

/** JSON in which the order of fields does not matter. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** IST0149: routes by claims of tokens that nothing checks at the gateway. */
export function claimsWithoutAuthentication(mesh: AnalyzedMesh): readonly Finding[] {
  const { rootNamespace } = mesh.settings;
  return mesh.virtualServices.flatMap((virtualService) => {
    const key = claimKey(virtualService);
    if (key === undefined) return [];
    const { namespace = '' } = virtualService.metadata;
    const named = namedGateways(mesh, virtualService.spec.gateways ?? [], namespace);
    return named.flatMap(({ name, gateway }) => {
      const pods = selectedWorkloads(mesh, gateway?.spec.selector, undefined);
      return pods
        .filter(
          (pod) =>
            !mesh.requestAuthentications.some(
              ({ metadata, spec }) =>
                [pod.namespace, rootNamespace].includes(metadata.namespace ?? '') &&
                selects(spec.selector?.matchLabels, pod.labels),
            ),
        )
        .map((pod): Finding => {
          const message = `routes by the claim ${key}, and no RequestAuthentication checks tokens for gateway ${name} (workload ${pod.namespace}/${pod.name})`;
          return { code: 'IST0149', resource: virtualService, message };
        });
    });
  });
}

function claimKey({ spec }: VirtualService): string | undefined {
  const matches = (spec.http ?? []).flatMap(({ match = [] }) => match);
  return matches
    .flatMap(({ headers = {}, withoutHeaders = {} }) => [
      ...Object.keys(headers),
      ...Object.keys(withoutHeaders),
    ])
    .find((name) => name.startsWith(CLAIMS));
}
