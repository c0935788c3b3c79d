import { compareText } from '../oldest-first.ts';
import type { MeshInventory } from '../questions/mesh-inventory.ts';
import { type AnalysisOptions, type AnalyzedMesh, analyzedMesh } from './analyzed-mesh.ts';
import { annotationsOfIstio } from './annotations-of-istio.ts';
import { credentialsOfNobody } from './credentials-of-nobody.ts';
import { rulesForNobody, uncheckedServers } from './destination-rules.ts';
import { envoyFilters } from './envoy-filters.ts';
import { type Finding, findingLevels, originOf } from './finding.ts';
import {
  conflictingGateways,
  gatewayCredentials,
  gatewayPortsWithoutService,
  gatewaysOfNobody,
  sharedCertificates,
} from './gateways.ts';
import { ignoredPeerAuthentications, mtlsConflicts } from './mtls-conflicts.ts';
import { injection, negativeConditions, serviceEntries, unrestrictedKeys } from './other-kinds.ts';
import { ownFields } from './own-fields.ts';
import { callersFromNowhere, policiesOfNobody, selectorsOfGateways } from './policies-of-nobody.ts';
import {
  httpRulesOnTcp,
  portLevelsOfServices,
  portsWithoutProtocol,
} from './ports-and-protocols.ts';
import { servicesOfClusters } from './services-of-clusters.ts';
import { sidecars, telemetries } from './sidecars-and-telemetries.ts';
import {
  claimsWithoutAuthentication,
  hostsNotOnGateway,
  missingDestinations,
  uselessRoutes,
} from './virtual-services.ts';
import { policiesWithoutMatch, shadowedPolicies, unreachableRules } from './void-rules.ts';

const ANALYZERS: readonly ((mesh: AnalyzedMesh) => readonly Finding[])[] = [
  policiesOfNobody,
  callersFromNowhere,
  selectorsOfGateways,
  unreachableRules,
  shadowedPolicies,
  policiesWithoutMatch,
  httpRulesOnTcp,
  portLevelsOfServices,
  portsWithoutProtocol,
  mtlsConflicts,
  ignoredPeerAuthentications,
  uncheckedServers,
  rulesForNobody,
  ownFields,
  credentialsOfNobody,
  gatewaysOfNobody,
  gatewayCredentials,
  sharedCertificates,
  conflictingGateways,
  gatewayPortsWithoutService,
  missingDestinations,
  hostsNotOnGateway,
  uselessRoutes,
  claimsWithoutAuthentication,
  sidecars,
  telemetries,
  envoyFilters,
  servicesOfClusters,
  serviceEntries,
  injection,
  annotationsOfIstio,
  unrestrictedKeys,
  negativeConditions,
];
const LEVELS = ['Error', 'Warning', 'Info'];

/**
 * What the resources of a mesh say together and is hardly meant: errors first, then by origin and code. Codes that
 * a resource names in its annotation `galley.istio.io/analyze-suppress` are not said of it.
 */
export function analyzeMesh(
  inventory: MeshInventory,
  options: AnalysisOptions = {},
): readonly Finding[] {
  const mesh = analyzedMesh(inventory, options);
  return ANALYZERS.flatMap((analyze) => analyze(mesh))
    .filter((finding) => !isSuppressed(finding))
    .toSorted(inOrder);
}

const SUPPRESS = 'galley.istio.io/analyze-suppress';

function isSuppressed({ code, resource }: Finding): boolean {
  const codes = (resource.metadata.annotations?.[SUPPRESS] ?? '').split(',');
  return codes.some((each) => each.trim() === '*' || each.trim() === code);
}

function inOrder(a: Finding, b: Finding): number {
  return (
    LEVELS.indexOf(findingLevels[a.code]) - LEVELS.indexOf(findingLevels[b.code]) ||
    compareText(originOf(a.resource), originOf(b.resource)) ||
    compareText(a.code, b.code) ||
    compareText(a.message, b.message)
  );
}
