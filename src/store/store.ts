import type { Resource, ResourceKey } from '../resources/resource.ts';

/** One wish of a commit: that an object be as given, or that it be gone. */
export type Change =
  | {
      readonly op: 'put';
      /**
       * The whole object, as JSON would keep it. Its `uid`, `resourceVersion`, `generation` and
       * `creationTimestamp` are the store's to assign and are not read.
       */
      readonly resource: Resource;
      /**
       * The `resourceVersion` that the object must have now; '0' = it must not exist.
       * Default: whatever is there is replaced.
       */
      readonly expectVersion?: string;
    }
  | {
      readonly op: 'delete';
      readonly key: ResourceKey;
      /** The `resourceVersion` that the object must have now. Default: any. */
      readonly expectVersion?: string;
    };

/** What one change did to one object. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** As it is since this event; of a DELETED one its last state, under the deletion's version. */
  readonly resource: Resource;
  /** Equal to the `resourceVersion` of `resource`; no two events of a store share one. */
  readonly version: number;
}

/** An event of the past and when it was committed, in milliseconds since 1970. */
export interface StoredVersion extends StoreEvent {
  readonly atMs: number;
}

/**
 * Every declared object of the mesh, of all kinds, under one counter.
 *
 * Each change that changes something takes the next number of the counter as the object's
 * `resourceVersion`; a commit of several takes consecutive ones, and no reader sees it half done.
 * The counter survives restarts and never goes back.
 *
 * Everything handed out is deeply frozen and shared between callers: to change an object, put a
 * new one. Namespaces are '' or absent for what has none.
 *
 * Every method fails with ERR_STORE once the store is closed or when its database cannot be used.
 */
export interface Store {
  /** The version of the newest commit; 0 before the first. */
  readonly version: number;

  /** The object as it is now, or undefined. */
  get(key: ResourceKey): Promise<Resource | undefined>;

  /**
   * All objects of a kind, ordered by namespace and name, of one namespace if it is given. They
   * are the state at `version`: a watch from there sees exactly what came afterwards.
   *
   * @param kind Qualified: `PeerAuthentication.security.istio.io`, or `Service` of the core group.
   */
  list(
    kind: string,
    namespace?: string,
  ): Promise<{ readonly items: readonly Resource[]; readonly version: number }>;

  /**
   * Applies all changes or none, after all commits that were asked for before. The objects are the
   * store's to read until the promise resolves, so the caller leaves them as they are. When the promise resolves they survive a crash, of the process
   * and (in stores on disk) of the machine. Resolves to the stored objects in the order of the
   * changes, undefined for deletions.
   *
   * A put assigns `uid`, `creationTimestamp`, `resourceVersion` and `generation`, which counts the
   * changes outside of metadata and status. A put of what is stored already changes nothing, takes
   * no version, and resolves to the stored object.
   *
   * @throws {MeshError} ERR_CONFLICT when an object is not at the version that its change expects,
   *   or exists where '0' was; ERR_NOT_FOUND when it does not exist but is to be deleted or at some
   *   version; ERR_LIMIT for an object above 1.5 MiB of JSON; ERR_USAGE for two changes of one
   *   object; ERR_STORE when the disk does not take it. Nothing is applied then.
   */
  commit(changes: readonly Change[]): Promise<readonly (Resource | undefined)[]>;

  /**
   * Every event after `fromVersion`, of one kind (qualified) if it is given, in order, none lost
   * and none twice; then those to come. Ends when `signal` aborts or the store closes; it does not
   * throw then. Events are read as the consumer asks for them, from the log that all watchers
   * share: a slow consumer costs no memory, and fails when the log has moved on without it.
   *
   * @throws {MeshError} from the iterator, ERR_GONE when events after `fromVersion` were compacted
   *   away, or when the store never was at `fromVersion` (it was restored from a backup): list
   *   again and watch from there; ERR_USAGE when `fromVersion` is not a whole number.
   */
  watch(
    options: { readonly kind?: string; readonly fromVersion: number },
    signal: AbortSignal,
  ): AsyncIterable<StoreEvent>;

  /**
   * The versions of an object, oldest first, across deletion and re-creation; empty when nothing
   * is known of it. How far it goes back is said at `Retention`.
   */
  history(key: ResourceKey): Promise<readonly StoredVersion[]>;

  /**
   * The object as it was before its event of `version`: undefined when that made it, or when nothing
   * is known any more of what was before.
   */
  previous(key: ResourceKey, version: number): Promise<Resource | undefined>;

  /** Of every object that exists or of which a version is still kept, in no order. */
  knownKeys(): Promise<readonly ResourceKey[]>;

  /** Ends all watches and lets go of the database. Closing again does nothing. */
  close(): void;
}
