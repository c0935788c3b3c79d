import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { ResourceSchema } from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { FactSchema } from '../gen/hauberk/facts/v1/fact_pb.js';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { ReceivedResource } from './resource-sink.ts';
import type { VersionedResource } from './resource-view.ts';

const FACT_TYPE = `type.googleapis.com/${FactSchema.typeName}`;
const LARGEST_FACT_BYTES = 4_194_304;
/** What name, version and framing add to a resource's JSON. */
const FRAMING_BYTES = 128;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The type URL under which facts of a kind are subscribed to, as in Istio's MCP-over-xDS:
 * `security.istio.io/v1/PeerAuthentication`, `core/v1/Service`.
 */
export function factTypeUrl(kind: {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}): string {
  return `${kind.group === '' ? 'core' : kind.group}/${kind.version}/${kind.kind}`;
}

/** The xDS name of a fact: `<namespace>/<name>`, or `<name>` of a cluster-scoped one, whose namespace is absent or ''. */
export function factName(metadata: {
  readonly namespace?: string | undefined;
  readonly name: string;
}): string {
  const { namespace = '', name } = metadata;
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** A resource as it is sent; `json` is its Kubernetes JSON form. */
export function encodeFact(fact: {
  readonly name: string;
  readonly version: string;
  readonly json: unknown;
}): VersionedResource {
  const { name, version, json } = fact;
  const resourceJson = new TextEncoder().encode(JSON.stringify(json));
  const value = toBinary(FactSchema, create(FactSchema, { resourceJson }));
  const resource = create(AnySchema, { typeUrl: FACT_TYPE, value });
  const message = create(ResourceSchema, { name, version, resource });
  return { message, bytes: value.length + name.length + FRAMING_BYTES };
}

/**
 * The JSON value inside a received fact, not yet validated.
 *
 * @throws {MeshError} ERR_WIRE when it is not a fact, ERR_LIMIT when it is larger than 4 MiB.
 */
export function decodeFact(received: ReceivedResource): unknown {
  const { typeUrl, bytes } = received;
  if (typeUrl !== FACT_TYPE)
    throw new MeshError('ERR_WIRE', `its type is "${typeUrl.slice(0, 128)}", not ${FACT_TYPE}`);
  if (bytes.length > LARGEST_FACT_BYTES)
    throw new MeshError(
      'ERR_LIMIT',
      `it has ${bytes.length} bytes, the limit is ${LARGEST_FACT_BYTES}`,
    );
  try {
    return JSON.parse(utf8.decode(fromBinary(FactSchema, bytes).resourceJson));
  } catch (cause) {
    throw new MeshError('ERR_WIRE', `it cannot be read: ${messageOf(cause)}`, { cause });
  }
}
