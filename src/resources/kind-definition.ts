import type { Static, TSchema } from 'typebox';
import type { ProblemReason } from './field-problem.ts';
import { type Immutable, type ObjectMeta, qualify, type Resource } from './resource.ts';

/** Says that `field`, written `spec.rules[0].from`, is wrong and why, and what sort of wrong it is. */
export type Report = (field: string, message: string, reason?: ProblemReason) => void;

/** One column that a table of this kind shows; named as in a CustomResourceDefinition. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** OpenAPI's format, such as `int64` or `password`. */
  readonly format?: string;
  readonly description?: string;
  /** 0, the default, is always shown; above it in wide tables only. */
  readonly priority?: number;
  /** Where the cell's value is: `.spec.host`, `.status.conditions[?(@.type=="Ready")].status`. */
  readonly jsonPath: string;
  /** The cell where no path can say it. Takes the place of `jsonPath`. */
  cell?(resource: Resource): string | number | boolean | undefined;
}

/** What can be asked of a kind of resource, in Kubernetes' words and the order of its discovery. */
export const VERBS = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
] as const;

export type Verb = (typeof VERBS)[number];

/** Resources that are shown and not written by people. */
export const READ_ONLY: readonly Verb[] = ['get', 'list', 'watch'];

/** What can be reached below a resource's own path. */
export interface Subresources {
  /** `status` is written by this path alone, and by the resource's own path never. */
  readonly status?: true;
  readonly scale?: ScalePaths;
  /** Issues tokens for a ServiceAccount. */
  readonly token?: true;
  /** Streams the log of a Pod. */
  readonly log?: true;
}

/** Where the numbers of a Scale are, as JSON paths. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/** What one version of a kind shows, where that is not what the other versions show. */
export interface VersionDefinition {
  readonly schema: TSchema;
  readonly columns: readonly Column[];
  readonly selectableFields: readonly string[];
  /** What to tell those who use this version. */
  readonly deprecation?: string;
}

/** Everything the mesh knows of one kind; schema, help, tables and checks come from this one place. */
export interface KindDefinition<T extends Resource = Resource> {
  /** Empty for the core group. */
  readonly group: string;
  /** The versions that may be written; the first is the stored and the preferred one. */
  readonly versions: readonly [string, ...string[]];
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  /** The kind of a list of them. Default: the kind and `List`. */
  readonly listKind?: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** What the API lets a name be. Default `subdomain`: DNS-1123, up to 253 characters. */
  readonly nameForm?: NameForm;
  /** What one is called, and where it is, that is written without a name. */
  readonly unnamed?: { readonly name: string; readonly namespace: string };
  /** One or two sentences for `explain` and the reference. */
  readonly description: string;
  /**
   * Of everything but apiVersion, kind and metadata, in every version. Unknown fields are refused by
   * it. Long ones are getters, which make the schema when it is first asked for.
   */
  readonly schema: TSchema;
  /** For the versions that differ from `schema` and `columns`; kinds that people defined have them. */
  readonly perVersion?: Readonly<Record<string, VersionDefinition>>;
  /** Completes what the schema's defaults cannot say. The schema holds before and after it. */
  complete?(resource: T): T;
  /** Carries over from `old`, which is stored, what is the server's to give and was not written. */
  completeUpdate?(old: T, resource: T): T;
  /**
   * Reports what is wrong beyond the schema, which holds when this is called. `version` is the one
   * that it was written in.
   */
  validate?(resource: T, report: Report, version?: string): void;
  /** Reports what may not become of `old`, which is stored; `validate` has nothing against `resource`. */
  validateUpdate?(old: T, resource: T, report: Report, version?: string): void;
  /** Reports what may not come into being; `validate` has nothing against `resource`. */
  validateCreate?(resource: T, report: Report, version?: string): void;
  /** Reports what is allowed but hardly meant. */
  warn?(resource: T, report: Report): void;
  readonly columns: readonly Column[];
  /** What can be asked of it. Default: all of VERBS. */
  readonly verbs?: readonly Verb[];
  readonly subresources?: Subresources;
  /** Fields beyond name and namespace that field selectors take: `spec.nodeName`. */
  readonly selectableFields?: readonly string[];
  /**
   * Kubernetes' own kinds: strategic merge patches are taken, by the schema's
   * `x-kubernetes-patch-strategy`, and null in a field of the schema means that it is not given.
   */
  readonly strategicMerge?: boolean;
  /** Whether a deletion is answered with the object, as Kubernetes does for some of its kinds, and not with a Status. */
  readonly answersDeleted?: boolean;
  /**
   * `store`, the default; `derived` from what the mesh does, and read only; `answer`: a question that
   * is answered and forgotten, with no name.
   */
  readonly origin?: 'store' | 'derived' | 'answer';
  /** Which agents may be sent such a resource as a fact, by their workload's namespace. */
  readonly visibility: 'mesh' | 'own-and-root' | 'own' | 'never';
  /**
   * The namespaces to which the resource narrows its visibility, in Istio's words: `.` its own, `*`
   * all, `~` none; empty for all.
   */
  exportedTo?(resource: T): readonly string[];
  /** Observed and forgotten: neither kept in backups nor brought back by a rollback. */
  readonly passing?: true;
  /** Whether agents are sent this one at all. Default: all of the kind, as far as `visibility` goes. */
  isFact?(resource: T): boolean;
  /** Nothing in the mesh acts on it yet, which everybody who writes one is told. */
  readonly inert?: true;
  /** Its contents are sealed at rest and quoted in no message. */
  readonly confidential: boolean;
  /** Set when people can neither apply nor delete it: what does, for the message that refuses. */
  readonly writtenBy?: string;
  /** What to do in place of writing it, as the end of a sentence. */
  readonly instead?: string;
}

/** `subdomain`: dotted, 253 characters; `label`: one DNS-1123 label; `service`: a label that starts with a letter; `path`: any one segment of a path, as RBAC has it. */
export type NameForm = 'subdomain' | 'label' | 'service' | 'path';

/** The resource that a kind's schema describes. */
export type ResourceOf<Kind extends string, Schema extends TSchema> = {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
} & Immutable<Static<Schema>>;

/** `PeerAuthentication.security.istio.io`, or `Service` in the core group: the kind of a ResourceKey. */
export function qualifiedKind(definition: Pick<KindDefinition, 'group' | 'kind'>): string {
  return qualify(definition.kind, definition.group);
}

/** The apiVersion under which resources of this kind are stored and returned. */
export function storedApiVersion(definition: Pick<KindDefinition, 'group' | 'versions'>): string {
  const [stored] = definition.versions;
  return definition.group === '' ? stored : `${definition.group}/${stored}`;
}

/** What `definition` is in one of its versions. */
export function inVersion(definition: KindDefinition, version: string): VersionDefinition {
  const own = definition.perVersion;
  if (own !== undefined && Object.hasOwn(own, version)) return own[version] as VersionDefinition;
  const { schema, columns, selectableFields = [] } = definition;
  return { schema, columns, selectableFields };
}

/** What can be asked of a kind. */
export function verbsOf({ verbs }: Pick<KindDefinition, 'verbs'>): readonly Verb[] {
  return verbs ?? VERBS;
}
