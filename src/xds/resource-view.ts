import type { Resource as ResourceMessage } from '../gen/envoy/service/discovery/v3/discovery_pb.js';

/** One resource in the form in which it is sent: made once, shared by every stream, never changed. */
export interface VersionedResource {
  readonly message: ResourceMessage;
  /** About how many bytes it takes in a response. */
  readonly bytes: number;
}

/** What one subscriber may be sent now. Everything else does not exist for it. */
export interface ResourceView {
  /** Grows with every change of the content; a change is in the view before it is told of. */
  readonly version: number;
  get(typeUrl: string, name: string): VersionedResource | undefined;
  /** All of a type, by name. Nothing for an unknown type. */
  list(typeUrl: string): Iterable<readonly [name: string, resource: VersionedResource]>;
}
