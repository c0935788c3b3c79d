import type { VirtualService } from '../../resources/kinds/virtual-service.ts';
import { selects } from '../label-selector.ts';
import { type AnalyzedMesh, fullHost, knownUnder, selectedWorkloads } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';
import { namedGateways, servesHost } from './gateways.ts';

const CLAIMS = '@request.auth.claims';

interface Destination {
  readonly host: string;
  readonly subset?: string;
}

/** IST0101: Gateways, hosts and subsets that VirtualServices name and that are not there. */
export function missingDestinations(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.virtualServices.flatMap((virtualService) => {
    const { namespace = '' } = virtualService.metadata;
    const missing = namedGateways(mesh, virtualService.spec.gateways ?? [], namespace)
      .filter(({ gateway }) => gateway === undefined)
      .map(({ name }) => `gateway not found: "${name}"`);
    for (const { host, subset = '' } of destinationsOf(virtualService)) {
      const full = fullHost(host, namespace);
      if (knownUnder(mesh, full).length === 0) missing.push(`host not found: "${host}"`);
      else if (subset !== '' && !hasSubset(mesh, full, subset)) {
        missing.push(`host+subset in destinationrule not found: "${host}+${subset}"`);
      }
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
      ({ name: place, gateway }): Finding[] => {
        if (gateway === undefined) return [];
        const missing = hosts.filter((host) => !servesHost(gateway, host));
        if (missing.length === 0) return [];
        const message = `Gateway ${place} serves none of the hosts ${missing.join(', ')} of VirtualService ${name}`;
        return [{ code: 'IST0132', resource: virtualService, message }];
      },
    );
  });
}

/** IST0130, IST0131: routes and matches that one before them covers. */
export function uselessRoutes(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.virtualServices.flatMap((virtualService) => {
    const { http = [], tls = [], tcp = [] } = virtualService.spec;
    return [http, tls, tcp].flatMap((routes) => {
      const seen = new Map<string, number>();
      let last: number | undefined;
      return routes.flatMap(({ match = [] }, index): Finding[] => {
        if (last !== undefined) {
          const message = `rule ${index} is not used: rule ${last} before it takes everything`;
          return [{ code: 'IST0130', resource: virtualService, message }];
        }
        if (match.length === 0) last = index;
        const found = match.flatMap((each, number): Finding[] => {
          const { name: _name, ...rest } = each as Readonly<Record<string, unknown>>;
          const key = JSON.stringify(Object.entries(rest).sort());
          const before = seen.get(key);
          if (before === undefined) {
            seen.set(key, index);
            return [];
          }
          const message = `match ${number} of rule ${index} is not used: rule ${before} has the same`;
          return [{ code: 'IST0131', resource: virtualService, message }];
        });
        if (match.length === 0 || found.length < match.length) return found;
        const message = `rule ${index} is not used: rules before it have all of its matches`;
        return [{ code: 'IST0130', resource: virtualService, message }];
      });
    });
  });
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
