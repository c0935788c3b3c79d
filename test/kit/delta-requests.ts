import { create } from '@bufbuild/protobuf';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
} from '../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import { StatusSchema } from '../../src/gen/google/rpc/status_pb.js';

/** The type that the builders' requests are about. */
export const WIDGET = 'example.org/v1/Widget';

interface RequestFields {
  readonly typeUrl?: string;
  readonly subscribe?: string[];
  readonly unsubscribe?: string[];
  readonly initial?: Record<string, string>;
  readonly nonce?: string;
}

/** A delta request for widgets, but for what is given. */
export function request(fields: RequestFields = {}): DeltaDiscoveryRequest {
  const { typeUrl = WIDGET, subscribe = [], unsubscribe = [], initial = {}, nonce = '' } = fields;
  return create(DeltaDiscoveryRequestSchema, {
    typeUrl,
    resourceNamesSubscribe: subscribe,
    resourceNamesUnsubscribe: unsubscribe,
    initialResourceVersions: initial,
    responseNonce: nonce,
  });
}

export function ack(
  { typeUrl, nonce }: DeltaDiscoveryResponse,
  fields: RequestFields = {},
): DeltaDiscoveryRequest {
  return request({ typeUrl, nonce, ...fields });
}

export function nack(
  response: DeltaDiscoveryResponse,
  message = 'no good',
  fields: RequestFields = {},
): DeltaDiscoveryRequest {
  const refused = ack(response, fields);
  refused.errorDetail = create(StatusSchema, { code: 3, message });
  return refused;
}

/** What a response says, in few words: `a@1` for a resource, `-a` for a removed name. */
export function contentOf(
  response: DeltaDiscoveryResponse | undefined,
): readonly string[] | undefined {
  return (
    response && [
      ...response.resources.map(({ name, version }) => `${name}@${version}`),
      ...response.removedResources.map((name) => `-${name}`),
    ]
  );
}
