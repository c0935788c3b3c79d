import type { Clock } from '../lib/clock.ts';
import type { KindDefinition } from '../resources/kind-definition.ts';
import type { KindRegistry } from '../resources/kind-registry.ts';
import type { Resource, ResourceKey } from '../resources/resource.ts';
import type { Store } from '../store/store.ts';
import type { Snapshots } from './reads/snapshots.ts';
import type { Authorizer } from './rights/authorizer.ts';
import type { UserInfo } from './rights/user-info.ts';

/** What one write did, for the audit log: never what is in the object. */
export interface WriteRecord {
  readonly user: UserInfo;
  readonly impersonatedBy: UserInfo | undefined;
  readonly peerAddress: string;
  readonly userAgent: string;
  readonly fieldManager: string;
  readonly changes: readonly WriteChange[];
}

export interface WriteChange {
  readonly key: ResourceKey;
  readonly action: 'created' | 'configured' | 'deleted';
  /** Undefined of what was not there before. */
  readonly fromVersion: string | undefined;
  readonly toVersion: string;
}

/** A write that is about to happen. */
export interface WriteReview {
  readonly user: UserInfo;
  readonly definition: KindDefinition;
  /** As it will be; of a deletion as it is. */
  readonly resource: Resource;
  /** As it is; undefined when it is made. */
  readonly live: Resource | undefined;
  readonly deletion: boolean;
}

/** Looks at a write beyond the rules of its kind: refuses by throwing a StatusError, or returns warnings. */
export type AdmissionCheck = (review: WriteReview) => Promise<readonly string[]>;

/** Objects that are no records in the store but a view of what is. */
export interface DerivedObjects {
  list(definition: KindDefinition, namespace: string | undefined): Promise<readonly Resource[]>;
  /** What they are a view of, as far as they come and go; undefined of what never changes. */
  source(definition: KindDefinition): DerivedSource | undefined;
}

/** A stored kind, and how one of it is seen. */
export interface DerivedSource {
  /** Qualified. */
  readonly kind: string;
  view(stored: Resource): Resource;
}

/** What every handler works with. */
export interface ApiContext {
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly admission: readonly AdmissionCheck[];
  readonly derived: DerivedObjects;
  readonly snapshots: Snapshots;
  /** Namespaces that may not be deleted. */
  readonly lastingNamespaces: readonly string[];
  /** Told of every write that changed something. */
  readonly written: (record: WriteRecord) => void;
}
