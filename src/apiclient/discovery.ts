import { MeshError } from '../lib/errors.ts';
import { nearest } from '../resources/nearest.ts';
import type { ApiClient } from './api-client.ts';

/** A kind of objects in one version, as the server tells of it. */
export interface ApiResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

const ACCEPT = ['v2', 'v2beta1']
  .map((v) => `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`)
  .join(',');

/** What a server has; in its order, the preferred version of a group first. */
export class Discovery {
  readonly resources: readonly ApiResource[];

  constructor(resources: readonly ApiResource[]) {
    this.resources = resources;
  }

  /** The kind that people mean by `pa`, `Service`, `peerauthentications.v1.security.istio.io`. */
  named(text: string): ApiResource | undefined {
    const wanted = text.toLowerCase();
    const [name = '', ...rest] = wanted.split('.');
    const suffix = rest.join('.');
    const [version = '', ...groupSteps] = rest;
    const matching = this.resources.filter((one) => namesOf(one).includes(name));
    const inGroup = (group: string, inVersion?: string) =>
      matching.find(
        (one) => one.group === group && (inVersion === undefined || one.version === inVersion),
      );
    if (suffix === '') return matching[0];
    return inGroup(suffix) ?? inGroup(groupSteps.join('.'), version);
  }

  /** As `named`. @throws {MeshError} ERR_USAGE in kubectl's words. */
  require(text: string): ApiResource {
    const found = this.named(text);
    if (found !== undefined) return found;
    const known = this.resources.flatMap(({ plural, shortNames }) => [plural, ...shortNames]);
    const near = nearest(text.toLowerCase(), known);
    const hint = near === undefined ? '; see hauberk api-resources' : `; did you mean "${near}"?`;
    throw new MeshError(
      'ERR_USAGE',
      `the server doesn't have a resource type ${JSON.stringify(text.slice(0, 100))}${hint}`,
    );
  }

  /** All that can be listed and are in a category such as `all`, each in its preferred version. */
  inCategory(name: string): readonly ApiResource[] {
    const seen = new Set<string>();
    return this.resources.filter(({ categories, group, plural, verbs }) => {
      const key = `${plural}.${group}`;
      if (!categories.includes(name) || !verbs.includes('list') || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
  }

  /** The kind of an object. */
  kindOf({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }) {
    return this.resources.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
  }
}

/** Asks a server what it has. */
export async function discover(client: ApiClient): Promise<Discovery> {
  const documents = await Promise.all(
    ['/api', '/apis'].map((path) => client.json<unknown>({ path, accept: ACCEPT })),
  );
  const resources = documents.flatMap(resourcesIn);
  if (resources.length > 0) return new Discovery(resources);
  throw new MeshError(
    'ERR_WIRE',
    `${client.access.server.origin} does not say what it has in a form that is understood here`,
  );
}

/** `v1`, or `security.istio.io/v1`. */
export function apiVersionOf({ group, version }: Pick<ApiResource, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `peerauthentications.security.istio.io`, as commands and messages write a kind. */
export function qualifiedPlural({ group, plural }: Pick<ApiResource, 'group' | 'plural'>): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** `peerauthentication.security.istio.io/default`, as kubectl prints an object. */
export function objectText({ group, kind }: ApiResource, name: string): string {
  const lower = kind.toLowerCase();
  return `${group === '' ? lower : `${lower}.${group}`}/${name}`;
}

export interface ObjectPlace {
  /** Absent for all namespaces, and for kinds without. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string;
}

/** The path of an object, or without a name of all of them. */
export function pathOf(resource: ApiResource, place: ObjectPlace = {}): string {
  const { group, version, plural, namespaced } = resource;
  const { namespace, name, subresource } = place;
  const steps = [
    ...(group === '' ? ['api', version] : ['apis', group, version]),
    ...(namespaced && namespace !== undefined ? ['namespaces', namespace] : []),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `/${steps.map(encodeURIComponent).join('/')}`;
}

function namesOf({ plural, singular, kind, shortNames }: ApiResource): readonly string[] {
  return [plural, singular, kind.toLowerCase(), ...shortNames];
}

function resourcesIn(document: unknown): readonly ApiResource[] {
  return listIn(document, 'items').flatMap((item) => {
    const group = textIn(fieldIn(item, 'metadata'), 'name');
    return listIn(item, 'versions').flatMap((served) => {
      const version = textIn(served, 'version');
      return listIn(served, 'resources').map((resource) => ({
        group,
        version,
        kind: textIn(fieldIn(resource, 'responseKind'), 'kind'),
        plural: textIn(resource, 'resource'),
        singular: textIn(resource, 'singularResource'),
        shortNames: textsIn(resource, 'shortNames'),
        categories: textsIn(resource, 'categories'),
        namespaced: textIn(resource, 'scope') === 'Namespaced',
        verbs: textsIn(resource, 'verbs'),
      }));
    });
  });
}

function fieldIn(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

function listIn(value: unknown, key: string): readonly unknown[] {
  const found = fieldIn(value, key);
  return Array.isArray(found) ? found : [];
}

function textIn(value: unknown, key: string): string {
  const found = fieldIn(value, key);
  return typeof found === 'string' ? found : '';
}

function textsIn(value: unknown, key: string): readonly string[] {
  return listIn(value, key).filter((one) => typeof one === 'string');
}
