import type { KindDefinition } from './kind-definition.ts';
import { qualifiedKind } from './kind-definition.ts';
import { authorizationPolicy } from './kinds/authorization-policy.ts';
import { certificateRevocation } from './kinds/certificate-revocation.ts';
import { namespace } from './kinds/namespace.ts';
import { peerAuthentication } from './kinds/peer-authentication.ts';
import { secret } from './kinds/secret.ts';
import { service } from './kinds/service.ts';
import { serviceAccount } from './kinds/service-account.ts';
import { trustBundle } from './kinds/trust-bundle.ts';
import { workloadEntry } from './kinds/workload-entry.ts';
import { groupOf, type Resource } from './resource.ts';

/** Every kind that the mesh knows, in the order in which a set of resources is best applied. */
export const kinds: readonly KindDefinition[] = [
  namespace,
  serviceAccount,
  secret,
  service,
  workloadEntry,
  peerAuthentication,
  authorizationPolicy,
  certificateRevocation,
  trustBundle,
];

const byName = new Map<string, KindDefinition>();
for (const definition of kinds) {
  const { group, kind, plural, singular, shortNames } = definition;
  const names = [kind, plural, singular, ...shortNames, qualifiedKind(definition)];
  if (group !== '') names.push(`${plural}.${group}`, `${singular}.${group}`);
  for (const name of names) byName.set(name.toLowerCase(), definition);
}

/**
 * The kind that people mean by `text`, in any case: kind, plural, singular or short name, with or
 * without the group (`pa`, `PeerAuthentication`, `peerauthentications.security.istio.io`).
 */
export function kindNamed(text: string): KindDefinition | undefined {
  return byName.get(text.toLowerCase());
}

/** The kind of a resource, if that kind is served in the resource's group and version. */
export function kindOf(
  resource: Pick<Resource, 'apiVersion' | 'kind'>,
): KindDefinition | undefined {
  const { apiVersion, kind } = resource;
  const group = groupOf(apiVersion);
  const version = group === '' ? apiVersion : apiVersion.slice(group.length + 1);
  return kinds.find(
    (definition) =>
      definition.kind === kind &&
      definition.group === group &&
      definition.versions.includes(version),
  );
}
