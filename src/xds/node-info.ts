import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Node } from '../gen/envoy/config/core/v3/base_pb.js';
import { MeshError } from '../lib/errors.ts';

/** What a subscriber says of itself. For people and logs; never a ground for a decision. */
export interface NodeInfo {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: JsonObject;
}

const DEEPEST_METADATA = 16;
/** Per value, so that many empty ones cannot hide from the bound. */
const VALUE_BYTES = 8;

/**
 * The part of a node that is kept.
 *
 * @throws {MeshError} ERR_LIMIT when it is larger than about `maxBytes`, or nested too deep.
 */
export function nodeInfo(node: Node | undefined, maxBytes: number): NodeInfo {
  const { id = '', cluster = '', metadata = {} } = node ?? {};
  const bytes = id.length + cluster.length + sizeOf(metadata, 1);
  if (bytes > maxBytes)
    throw new MeshError(
      'ERR_LIMIT',
      `node "${id.slice(0, 64)}" has about ${bytes} bytes of metadata, the limit is ${maxBytes}`,
    );
  return { id, cluster, metadata };
}

function sizeOf(value: JsonValue, depth: number): number {
  if (depth > DEEPEST_METADATA)
    throw new MeshError(
      'ERR_LIMIT',
      `node metadata is nested deeper than ${DEEPEST_METADATA} levels`,
    );
  if (typeof value === 'string') return VALUE_BYTES + value.length;
  if (typeof value !== 'object' || value === null) return VALUE_BYTES;
  let bytes = VALUE_BYTES;
  for (const [key, inner] of Object.entries(value)) bytes += key.length + sizeOf(inner, depth + 1);
  return bytes;
}
