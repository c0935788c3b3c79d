/** Who a resource is, when it came to be, and what people attached to it: Kubernetes' ObjectMeta. */
export interface ObjectMeta {
  readonly name: string;
  /** Absent on cluster-scoped kinds only. */
  readonly namespace?: string;
  readonly uid?: string;
  /** Opaque to clients; compared for equality only. */
  readonly resourceVersion?: string;
  /** Counts the changes to anything but metadata and status, from 1. */
  readonly generation?: number;
  /** RFC 3339, in UTC, to the second. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly Readonly<Record<string, unknown>>[];
  readonly managedFields?: readonly Readonly<Record<string, unknown>>[];
}

/** Any object of the declarative API. What its other fields mean is said by its KindDefinition. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** What makes a resource itself: there is at most one stored under a key. */
export interface ResourceKey {
  /** Qualified by its group: `PeerAuthentication.security.istio.io`; core kinds bare: `Service`. */
  readonly kind: string;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
}

/** `T` with every property and array made readonly, all the way down. */
export type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]: Immutable<T[Field]> }
    : T;

/** The API group of an apiVersion: `security.istio.io/v1` has `security.istio.io`, `v1` has ``. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** The kind with its group: `PeerAuthentication.security.istio.io`, or `Service` in the core group. */
export function qualify(kind: string, group: string): string {
  return group === '' ? kind : `${kind}.${group}`;
}

/** The key under which `resource` is stored; the version of its API plays no part. */
export function keyOf(resource: Pick<Resource, 'apiVersion' | 'kind' | 'metadata'>): ResourceKey {
  const { name, namespace } = resource.metadata;
  const kind = qualify(resource.kind, groupOf(resource.apiVersion));
  return namespace === undefined ? { kind, name } : { kind, namespace, name };
}

/** `Kind.group/namespace/name`, or `Kind.group/name` where there is no namespace; one text a key. */
export function keyText(key: ResourceKey): string {
  return key.namespace === undefined
    ? `${key.kind}/${key.name}`
    : `${key.kind}/${key.namespace}/${key.name}`;
}
