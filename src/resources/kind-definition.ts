import type { Static, TSchema } from 'typebox';
import { type Immutable, type ObjectMeta, qualify, type Resource } from './resource.ts';

/** Says that `field`, written `spec.rules[0].from`, is wrong and why. */
export type Report = (field: string, message: string) => void;

/** One column that a table of this kind shows; `jsonPath` as in a CustomResourceDefinition. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
}

/** Everything the mesh knows of one kind; schema, help, tables and checks come from this one place. */
export interface KindDefinition<T extends Resource = Resource> {
  /** Empty for the core group. */
  readonly group: string;
  /** The versions that may be written, all of one schema; the first is the stored one. */
  readonly versions: readonly [string, ...string[]];
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** What the API lets a name be. Default `subdomain`: DNS-1123, up to 253 characters. */
  readonly nameForm?: NameForm;
  /** One or two sentences for `explain` and the reference. */
  readonly description: string;
  /** Of everything but apiVersion, kind and metadata. Unknown fields are refused by it. */
  readonly schema: TSchema;
  /** Completes what the schema's defaults cannot say. The schema holds before and after it. */
  complete?(resource: T): T;
  /** Reports what is wrong beyond the schema, which holds when this is called. */
  validate?(resource: T, report: Report): void;
  /** Reports what is allowed but hardly meant. */
  warn?(resource: T, report: Report): void;
  readonly columns: readonly Column[];
  /** Which agents may be sent such a resource as a fact, by their workload's namespace. */
  readonly visibility: 'mesh' | 'own-and-root' | 'own' | 'never';
  /** Its contents are sealed at rest and quoted in no message. */
  readonly confidential: boolean;
  /** Set when people can neither apply nor delete it: what does, for the message that refuses. */
  readonly writtenBy?: string;
}

/** `subdomain`: dotted, 253 characters; `label`: one DNS-1123 label; `service`: a label that starts with a letter. */
export type NameForm = 'subdomain' | 'label' | 'service';

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
