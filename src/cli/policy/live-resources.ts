import type { ApiClient } from '../../apiclient/api-client.ts';
import { ApiError } from '../../apiclient/api-error.ts';
import type { ApiList } from '../../apiclient/api-object.ts';
import type { ApiResource } from '../../apiclient/discovery.ts';
import { type KindDefinition, verbsOf } from '../../resources/kind-definition.ts';
import { builtInKinds } from '../../resources/kinds.ts';
import type { Resource } from '../../resources/resource.ts';
import { validateResource } from '../../resources/validate-resource.ts';
import { listPages } from '../resources/list-pages.ts';

/** What decides about calls, and what is called. */
const KINDS = [
  'AuthorizationPolicy',
  'PeerAuthentication',
  'RequestAuthentication',
  'DestinationRule',
  'Service',
  'ServiceEntry',
  'ServiceAccount',
  'WorkloadEntry',
  'ConfigMap',
  'IstioOperator',
  'Pod',
  'Namespace',
  'Gateway',
  'VirtualService',
  'Sidecar',
  'Telemetry',
];
const METADATA_ONLY =
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** What a running mesh shows to somebody. */
export interface LiveResources {
  readonly resources: readonly Resource[];
  /** False: who asks may not list Secrets, so that none is known to be missing. */
  readonly secretsKnown: boolean;
}

/**
 * The resources of a running mesh that say who may call whom, and, where they matter to somebody, the names of its
 * Secrets. Kinds that the server does not have are left out; what it says that we cannot read is too.
 *
 * @throws {MeshError} what the server says, ERR_UNREACHABLE.
 */
export async function liveResources(client: ApiClient): Promise<LiveResources> {
  const definitions = builtInKinds.definitions.filter(({ kind, group }) => {
    return KINDS.includes(kind) && !group.startsWith('gateway.networking');
  });
  const lists = await Promise.all(definitions.map((definition) => listed(client, definition)));
  const resources = lists.flat();
  if (!resources.some(({ kind }) => kind === 'Gateway')) return { resources, secretsKnown: true };
  const secrets = await secretNames(client);
  return { resources: [...resources, ...(secrets ?? [])], secretsKnown: secrets !== undefined };
}

/** Secrets without what is in them; undefined where they may not be listed. */
async function secretNames(client: ApiClient): Promise<readonly Resource[] | undefined> {
  const definition = builtInKinds.byQualifiedKind('Secret');
  if (definition === undefined) return undefined;
  const found: Resource[] = [];
  try {
    const options = { namespace: undefined, accept: METADATA_ONLY };
    for await (const page of listPages<ApiList>(client, apiResource(definition), options)) {
      for (const { metadata } of page.items ?? []) {
        const { name = '', namespace = '' } = metadata;
        found.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } });
      }
    }
    return found;
  } catch (error) {
    if (ApiError.because(error, 'Forbidden') || ApiError.because(error, 'NotFound'))
      return undefined;
    throw error;
  }
}

async function listed(client: ApiClient, definition: KindDefinition): Promise<readonly Resource[]> {
  const resource = apiResource(definition);
  const { group, version, kind } = resource;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const found: Resource[] = [];
  try {
    for await (const page of listPages<ApiList>(client, resource, { namespace: undefined })) {
      for (const item of page.items ?? []) {
        const checked = validateResource({ ...item, apiVersion, kind });
        if ('resource' in checked) found.push(checked.resource);
      }
    }
  } catch (error) {
    if (!ApiError.because(error, 'NotFound')) throw error;
  }
  return found;
}

function apiResource(definition: KindDefinition): ApiResource {
  const { group, versions, kind, plural, singular, shortNames = [], namespaced } = definition;
  return {
    ...{ group, version: versions[0], kind, plural, singular, shortNames, namespaced },
    categories: definition.categories ?? [],
    verbs: [...verbsOf(definition)],
  };
}
