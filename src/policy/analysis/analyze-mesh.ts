import type { MeshInventory } from '../mesh-inventory.ts';
import { compareText } from '../oldest-first.ts';
import { type AnalyzedMesh, analyzedMesh } from './analyzed-mesh.ts';
import { annotationsOfIstio } from './annotations-of-istio.ts';
import { rulesForNobody, uncheckedServers } from './destination-rules.ts';
import { type Finding, findingLevels, originOf } from './finding.ts';
import {
  conflictingGateways,
  gatewayCredentials,
  gatewayPortsWithoutService,
  gatewaysOfNobody,
  sharedCertificates,
} from './gateways.ts';
import { ignoredPeerAuthentications, mtlsConflicts } from './mtls-conflicts.ts';
import {
  injection,
  negativeConditions,
  serviceEntries,
  sidecars,
  unrestrictedKeys,
} from './other-kinds.ts';
import { callersFromNowhere, policiesOfNobody, selectorsOfGateways } from './policies-of-nobody.ts';
import {
  httpRulesOnTcp,
  portLevelsOfServices,
  portsWithoutProtocol,
} from './ports-and-protocols.ts';
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
  serviceEntries,
  injection,
  annotationsOfIstio,
  unrestrictedKeys,
  negativeConditions,
];
const LEVELS = ['Error', 'Warning', 'Info'];

/** What the resources of a mesh say together and is hardly meant: errors first, then by origin and code. */
export function analyzeMesh(inventory: MeshInventory): readonly Finding[] {
  const mesh = analyzedMesh(inventory);
  return ANALYZERS.flatMap((analyze) => analyze(mesh)).toSorted(inOrder);
}

function inOrder(a: Finding, b: Finding): number {
  return (
    LEVELS.indexOf(findingLevels[a.code]) - LEVELS.indexOf(findingLevels[b.code]) ||
    compareText(originOf(a.resource), originOf(b.resource)) ||
    compareText(a.code, b.code) ||
    compareText(a.message, b.message)
  );
}
