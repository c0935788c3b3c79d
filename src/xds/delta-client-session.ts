import { create, type JsonObject } from '@bufbuild/protobuf';
import { NodeSchema } from '../gen/envoy/config/core/v3/base_pb.js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type Resource as ResourceMessage,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { StatusSchema } from '../gen/google/rpc/status_pb.js';
import { MeshError } from '../lib/errors.ts';
import type { ReceivedResource, Rejection, ResourceSink } from './resource-sink.ts';
import { parseSystemVersion } from './system-version.ts';

/** What a client says of itself. */
export interface ClientNode {
  readonly id: string;
  readonly cluster?: string;
  readonly metadata?: JsonObject;
}

export interface DeltaClientSessionOptions {
  readonly types: readonly string[];
  readonly node: ClientNode;
  readonly sink: ResourceSink;
  /**
   * Characters of held names and versions that the first request of a type may tell the server, so
   * that it is never too large for that. Default 2 Mi. What is not told is sent again.
   */
  readonly maxInitialSize?: number;
}

/** What came of one response. */
export interface ReceivedResponse {
  /** The ACK or NACK, to be sent. */
  readonly reply: DeltaDiscoveryRequest;
  readonly rejections: readonly Rejection[];
}

const WILDCARD = '*';
/** What an entry of a protobuf map adds to its key and value. */
const ENTRY_BYTES = 8;
const INVALID_ARGUMENT = 3;
const MOST_REASONS = 100;
const LONGEST_REASON = 300;

/** The client's side of one delta stream, without I/O: subscribes to all of each type, ACKs and NACKs. */
export class DeltaClientSession {
  readonly #options: DeltaClientSessionOptions;
  readonly #unsynced: Set<string>;
  /** Held names of which the server was not told: it cannot say that they are gone, only not send them. */
  readonly #untold = new Map<string, Set<string>>();

  constructor(options: DeltaClientSessionOptions) {
    this.#options = options;
    this.#unsynced = new Set(options.types);
  }

  /** Whether each type's whole state has arrived on this stream. */
  get synced(): boolean {
    return this.#unsynced.size === 0;
  }

  /** The first requests, one a type; the very first carries the node. */
  open(): readonly DeltaDiscoveryRequest[] {
    const { types, node } = this.#options;
    return types.map((typeUrl, index) =>
      create(DeltaDiscoveryRequestSchema, {
        typeUrl,
        resourceNamesSubscribe: [WILDCARD],
        initialResourceVersions: this.#heldVersions(typeUrl),
        ...(index === 0 ? { node: create(NodeSchema, node) } : {}),
      }),
    );
  }

  /**
   * Hands a response to the sink and says what to answer.
   *
   * @throws {MeshError} ERR_WIRE when it cannot be answered, or is of a type never asked for.
   */
  receive(response: DeltaDiscoveryResponse): ReceivedResponse {
    const { typeUrl, nonce } = response;
    if (nonce === '')
      throw new MeshError('ERR_WIRE', 'the control plane sent a response without a nonce');
    if (!this.#options.types.includes(typeUrl))
      throw new MeshError(
        'ERR_WIRE',
        `the control plane sent "${typeUrl}", which nobody asked for`,
      );
    const { complete } = parseSystemVersion(response.systemVersionInfo);
    const resources = response.resources.map(receivedResource);
    const removed = [...response.removedResources, ...this.#silentlyGone(response, complete)];
    const rejections = this.#options.sink.apply({ typeUrl, resources, removed, complete });
    if (complete) this.#unsynced.delete(typeUrl);
    const errorDetail =
      rejections.length === 0
        ? {}
        : {
            errorDetail: create(StatusSchema, {
              code: INVALID_ARGUMENT,
              message: describeRejections(rejections),
            }),
          };
    const reply = create(DeltaDiscoveryRequestSchema, {
      typeUrl,
      responseNonce: nonce,
      ...errorDetail,
    });
    return { reply, rejections };
  }

  #heldVersions(typeUrl: string): Record<string, string> {
    const { sink, maxInitialSize = 2_097_152 } = this.#options;
    const told: [string, string][] = [];
    const untold = new Set<string>();
    let size = 0;
    for (const [name, version] of sink.versions(typeUrl)) {
      size += name.length + version.length + ENTRY_BYTES;
      if (size <= maxInitialSize) told.push([name, version]);
      else untold.add(name);
    }
    this.#untold.set(typeUrl, untold);
    return Object.fromEntries(told);
  }

  /** What was held untold and is no part of the whole state that has now come. */
  #silentlyGone(response: DeltaDiscoveryResponse, complete: boolean): Iterable<string> {
    const untold = this.#untold.get(response.typeUrl);
    if (untold === undefined) return [];
    for (const { name } of response.resources) untold.delete(name);
    for (const name of response.removedResources) untold.delete(name);
    if (complete) this.#untold.delete(response.typeUrl);
    return complete ? untold : [];
  }
}

/** One line naming each rejected resource and why. */
export function describeRejections(rejections: readonly Rejection[]): string {
  const reasons = rejections
    .slice(0, MOST_REASONS)
    .map(({ name, reason }) => `"${name}": ${reason.slice(0, LONGEST_REASON)}`);
  const more = rejections.length - reasons.length;
  if (more > 0) reasons.push(`and ${more} more`);
  return reasons.join('; ');
}

function receivedResource({ name, version, resource }: ResourceMessage): ReceivedResource {
  const { typeUrl = '', value = new Uint8Array() } = resource ?? {};
  return { name, version, typeUrl, bytes: value };
}
