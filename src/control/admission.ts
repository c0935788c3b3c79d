import { MeshError } from '../lib/errors.ts';
import { type KindDefinition, qualifiedKind } from '../resources/kind-definition.ts';
import { kindOf, kinds } from '../resources/kinds.ts';
import type { ManifestDocument } from '../resources/parse-manifest.ts';
import { keyOf, keyText, type Resource, type ResourceKey } from '../resources/resource.ts';
import type { Change, Store } from '../store/store.ts';
import type { ControlEvents, ResourceChange } from './control-events.ts';

export interface Admission {
  /** Stores every document or none; a document may name a Namespace that stands in the same file. */
  apply(documents: readonly ManifestDocument[], actor: string): Promise<readonly ResourceChange[]>;
  /** Deletes one object; a Namespace takes what is in it along. */
  delete(key: ResourceKey, actor: string): Promise<readonly ResourceChange[]>;
}

export interface AdmissionOptions {
  readonly store: Store;
  readonly events: Pick<ControlEvents, 'resourcesChanged'>;
}

/** The one way in which resources that people write reach the store. */
export function admission({ store, events }: AdmissionOptions): Admission {
  return {
    async apply(documents, actor) {
      const resources = documents.map(({ resource }) => resource);
      for (const resource of resources) await admit(resource, resources);
      const wanted = [...resources, ...(await missingDefaultAccounts(resources))];
      const before = await Promise.all(wanted.map((resource) => store.get(keyOf(resource))));
      const changes = wanted.map((resource, at) => putChange(resource, before[at]));
      const stored = await store.commit(changes);
      const results = stored.flatMap((resource, at) =>
        resource === undefined ? [] : [changeOf(resource, before[at])],
      );
      report(results, actor);
      return results;
    },

    async delete(key, actor) {
      refuseWritten(kinds.find((definition) => qualifiedKind(definition) === key.kind));
      const found = await store.get(key);
      if (found === undefined) {
        throw new MeshError('ERR_NOT_FOUND', `${keyText(key)} does not exist`);
      }
      const inside = key.kind === 'Namespace' ? await contentsOf(store, key.name) : [];
      const doomed = [...inside, found];
      await store.commit(doomed.map((resource) => ({ op: 'delete', key: keyOf(resource) })));
      const resourceVersion = String(store.version);
      const results = doomed.map((resource) => ({
        key: keyOf(resource),
        action: 'deleted' as const,
        resourceVersion,
        fromVersion: resource.metadata.resourceVersion,
      }));
      report(results, actor);
      return results;
    },
  };

  function report(results: readonly ResourceChange[], actor: string): void {
    const changes = results.filter(({ action }) => action !== 'unchanged');
    if (changes.length > 0) events.resourcesChanged({ actor, changes });
  }

  async function missingDefaultAccounts(resources: readonly Resource[]): Promise<Resource[]> {
    const inFile = new Set(resources.map((resource) => keyText(keyOf(resource))));
    const accounts = resources
      .filter(({ kind }) => kind === 'Namespace')
      .map(({ metadata }) => defaultAccount(metadata.name))
      .filter((account) => !inFile.has(keyText(keyOf(account))));
    const stored = await Promise.all(accounts.map((account) => store.get(keyOf(account))));
    return accounts.filter((_, at) => stored[at] === undefined);
  }

  async function admit(resource: Resource, others: readonly Resource[]): Promise<void> {
    const definition = kindOf(resource);
    if (definition?.confidential) {
      throw new MeshError('ERR_FORBIDDEN', `${resource.kind} objects cannot be applied here`);
    }
    refuseWritten(definition);
    const { namespace } = resource.metadata;
    if (!definition?.namespaced || namespace === undefined) return;
    const inFile = others.some(
      ({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace,
    );
    if (inFile || (await store.get({ kind: 'Namespace', name: namespace })) !== undefined) return;
    throw new MeshError(
      'ERR_NOT_FOUND',
      `${keyText(keyOf(resource))}: namespace "${namespace}" does not exist; apply a Namespace of that name first or in the same file`,
    );
  }
}

/** Some kinds are the control plane's own record of what was done. */
function refuseWritten(definition: KindDefinition | undefined): void {
  if (definition?.origin === 'answer') {
    throw new MeshError(
      'ERR_FORBIDDEN',
      `a ${definition.kind} is a question that the Kubernetes API answers; it cannot be stored`,
    );
  }
  if (definition?.writtenBy === undefined) return;
  throw new MeshError(
    'ERR_FORBIDDEN',
    `${definition.kind} objects are written by ${definition.writtenBy} only`,
  );
}

function putChange(resource: Resource, before: Resource | undefined): Change {
  // A resourceVersion in the file means: only if nobody has changed it since.
  const { resourceVersion } = resource.metadata;
  const expectVersion = resourceVersion ?? before?.metadata.resourceVersion ?? '0';
  return { op: 'put', resource, expectVersion };
}

function changeOf(stored: Resource, before: Resource | undefined): ResourceChange {
  const resourceVersion = stored.metadata.resourceVersion ?? '';
  const action =
    before === undefined
      ? 'created'
      : before.metadata.resourceVersion === resourceVersion
        ? 'unchanged'
        : 'configured';
  const fromVersion = before?.metadata.resourceVersion;
  return { key: keyOf(stored), action, resourceVersion, ...(fromVersion && { fromVersion }) };
}

/** Every namespace has an account named `default`, as in Kubernetes. */
export function defaultAccount(namespace: string): Resource {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'default' } };
}

async function contentsOf(store: Store, namespace: string): Promise<readonly Resource[]> {
  const namespaced = kinds.filter((definition) => definition.namespaced);
  const lists = await Promise.all(
    namespaced.map((definition) => store.list(qualifiedKind(definition), namespace)),
  );
  return lists.flatMap(({ items }) => items);
}
