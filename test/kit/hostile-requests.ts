import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { SECRET_LIMITS } from '../../src/agent/socket/sds-service.ts';
import { sdsValidator } from '../../src/agent/socket/sds-validator.ts';
import { SdsView, SECRET_TYPE } from '../../src/agent/socket/sds-view.ts';
import { SecretSchema } from '../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
} from '../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import { MeshError } from '../../src/lib/errors.ts';
import { WatchableValue } from '../../src/lib/watchable.ts';
import { DeltaStream } from '../../src/xds/delta-stream.ts';
import { SotwStream } from '../../src/xds/sotw-stream.ts';
import { mutatedBytes } from './hostile-bytes.ts';
import { ManualClock } from './manual-clock.ts';
import { testAuthority } from './test-authority.ts';

const FRONTEND = 'spiffe://cluster.local/ns/shop/sa/frontend';
const authority = testAuthority();

const plain = fc.constantFrom('default', 'ROOTCA', 'ALL', FRONTEND, 'spiffe://cluster.local');
const odd = fc.constantFrom(
  'spiffe://cluster.local/ns/shop/sa/other',
  'spiffe://other',
  '__proto__',
  '*',
);
const long = fc.integer({ min: 0, max: 4_000 }).map((length) => 'x'.repeat(length));
// Most requests must be good, or every stream would end with its first one.
const names = fc.oneof(
  { arbitrary: plain, weight: 60 },
  { arbitrary: odd, weight: 20 },
  { arbitrary: fc.string({ minLength: 1, maxLength: 40 }), weight: 20 },
  { arbitrary: long, weight: 1 },
);
const namesOf = (maxLength: number) =>
  fc.oneof(
    { arbitrary: fc.array(names, { maxLength: 6 }), weight: 20 },
    { arbitrary: fc.array(names, { maxLength }), weight: 1 },
  );
const typeUrl = fc.oneof(
  { arbitrary: fc.constant(SECRET_TYPE), weight: 60 },
  { arbitrary: fc.constantFrom('', 'type.googleapis.com/other'), weight: 1 },
);
/** A nonce that was sent, by how long ago, or one that never was. */
const nonce = fc.oneof(
  { arbitrary: fc.constant(0), weight: 30 },
  { arbitrary: fc.nat(3), weight: 10 },
  { arbitrary: fc.constantFrom('', 'stale'), weight: 5 },
  { arbitrary: fc.constant('x'.repeat(3_000)), weight: 1 },
);
const errorDetail = fc.option(fc.record({ code: fc.nat(20), message: fc.string() }), {
  nil: undefined,
  freq: 3,
});

type Sent = { readonly nonce: string };
type Nonce = number | string;

const sotwRequest = fc.record({
  typeUrl,
  nonce,
  resourceNames: namesOf(80),
  ...{ errorDetail, versionInfo: fc.string({ maxLength: 60 }) },
});
const deltaRequest = fc.record({
  typeUrl,
  nonce,
  resourceNamesSubscribe: namesOf(80),
  resourceNamesUnsubscribe: namesOf(10),
  initialResourceVersions: fc.dictionary(names, fc.string(), { maxKeys: 4 }),
  errorDetail,
});

/** What happens on one stream, in order. */
export const hostileSecretRequests = fc.array(
  fc.oneof(
    { arbitrary: sotwRequest.map((fields) => ({ kind: 'sotw' as const, fields })), weight: 6 },
    { arbitrary: fc.constant({ kind: 'rotate' as const }), weight: 2 },
    { arbitrary: fc.constant({ kind: 'lose' as const }), weight: 1 },
  ),
  { maxLength: 40 },
);
export const hostileDeltaRequests = fc.array(
  fc.oneof(
    { arbitrary: deltaRequest.map((fields) => ({ kind: 'delta' as const, fields })), weight: 6 },
    { arbitrary: fc.constant({ kind: 'rotate' as const }), weight: 2 },
    { arbitrary: fc.constant({ kind: 'lose' as const }), weight: 1 },
  ),
  { maxLength: 40 },
);

/** A caller's secrets, which the same few identities are swapped in. */
function secrets() {
  const identities = [authority.identity(FRONTEND), authority.identity(FRONTEND)];
  const entitlement = new WatchableValue(of(0, identities.slice(0, 1)));
  const view = new SdsView({
    entitlement,
    validator: 'spiffe',
    clock: new ManualClock(Date.now()),
  });
  let number = 0;
  return {
    view,
    swap(kind: 'rotate' | 'lose'): void {
      number += 1;
      const given = identities[number % 2];
      entitlement.set(of(number, kind === 'lose' || given === undefined ? [] : [given]));
    },
  };
}

function of(number: number, identities: readonly ReturnType<typeof authority.identity>[]) {
  return {
    identities: identities.map((identity) => ({ identity, hint: '' })),
    ...{ pending: false, crls: [], number },
  };
}

const MOST_RESOURCES = 128;

/** The state of the world stream: whatever comes, it answers little and what is right, or refuses. */
export function playSecretRequests(
  steps: readonly (
    | { readonly kind: 'rotate' | 'lose' }
    | {
        readonly kind: 'sotw';
        readonly fields: Omit<MessageInitShape<typeof DiscoveryRequestSchema>, '$typeName'> & {
          readonly nonce: Nonce;
        };
      }
  )[],
): void {
  const { view, swap } = secrets();
  const noncePrefix = 'n-';
  const stream = new SotwStream({ view, noncePrefix, limits: SECRET_LIMITS, typeUrl: SECRET_TYPE });
  play(steps, {
    swap,
    stream,
    request: ({ nonce: asked, ...fields }, sent) =>
      create(DiscoveryRequestSchema, { ...fields, responseNonce: nonceOf(asked, sent) }),
  });
}

/** The same of the delta stream. */
export function playDeltaRequests(
  steps: readonly (
    | { readonly kind: 'rotate' | 'lose' }
    | {
        readonly kind: 'delta';
        readonly fields: Omit<MessageInitShape<typeof DeltaDiscoveryRequestSchema>, '$typeName'> & {
          readonly nonce: Nonce;
        };
      }
  )[],
): void {
  const { view, swap } = secrets();
  const stream = new DeltaStream({ view, noncePrefix: 'n-', limits: SECRET_LIMITS });
  play(steps, {
    swap,
    stream,
    request: ({ nonce: asked, ...fields }, sent) =>
      create(DeltaDiscoveryRequestSchema, { ...fields, responseNonce: nonceOf(asked, sent) }),
  });
}

interface Player<Fields, Request, Response> {
  readonly swap: (kind: 'rotate' | 'lose') => void;
  readonly stream: {
    handle(request: Request, nowMs: number): unknown;
    changed(typeUrl: string): void;
    next(nowMs: number): Response | undefined;
  };
  readonly request: (fields: Fields, sent: readonly Sent[]) => Request;
}

function play<Fields, Request, Response extends DiscoveryResponse | DeltaDiscoveryResponse>(
  steps: readonly (
    | { readonly kind: 'rotate' | 'lose' }
    | { readonly kind: string; readonly fields: Fields }
  )[],
  { swap, stream, request }: Player<Fields, Request, Response>,
): void {
  const sent: Sent[] = [];
  for (const [at, step] of steps.entries()) {
    if ('fields' in step) stream.handle(request(step.fields, sent), at);
    else {
      swap(step.kind as 'rotate' | 'lose');
      stream.changed(SECRET_TYPE);
    }
    // One is in flight at a time: a second without an answer to the first would flood the client.
    const response = stream.next(at);
    if (response === undefined) continue;
    check(response);
    sent.push(response);
    if (stream.next(at) !== undefined) throw new Error('two responses in flight');
  }
}

function check(response: DiscoveryResponse | DeltaDiscoveryResponse): void {
  const { resources } = response;
  if (resources.length > MOST_RESOURCES) throw new Error(`${resources.length} resources`);
  for (const each of resources) {
    const any = 'resource' in each ? each.resource : each;
    if (any === undefined || !('typeUrl' in any) || anyUnpack(any, SecretSchema) === undefined) {
      throw new Error('a response has something that is no secret');
    }
  }
}

function nonceOf(asked: Nonce, sent: readonly Sent[]): string {
  return typeof asked === 'string' ? asked : (sent.at(-1 - asked)?.nonce ?? '');
}

const requests = [
  toBinary(
    DiscoveryRequestSchema,
    create(DiscoveryRequestSchema, {
      node: {
        id: 'envoy',
        metadata: { disable_spiffe_cert_validation: 'true', deep: { a: [1, null, 'x'] } },
        userAgentVersionType: { case: 'userAgentVersion', value: '1.40.0' },
      },
      ...{ typeUrl: SECRET_TYPE, resourceNames: ['default', 'ROOTCA'], versionInfo: '1' },
      errorDetail: { code: 13, message: 'no' },
    }),
  ),
];

/** A request as it comes over the wire, changed. */
export const hostileRequestBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  mutatedBytes(requests),
);

/** What cannot be decoded is the gRPC library's to refuse; what can is ours. */
export function playRequestBytes(bytes: Uint8Array): void {
  for (const schema of [DiscoveryRequestSchema, DeltaDiscoveryRequestSchema] as const) {
    const request = decoded(schema, bytes);
    if (request === undefined) continue;
    sdsValidator(request.node);
    const { view } = secrets();
    const options = { view, limits: SECRET_LIMITS, noncePrefix: 'n-' };
    try {
      if (request.$typeName === 'envoy.service.discovery.v3.DiscoveryRequest') {
        new SotwStream({ ...options, typeUrl: SECRET_TYPE }).handle(request, 0);
      } else new DeltaStream(options).handle(request, 0);
    } catch (error) {
      if (!MeshError.is(error)) throw error;
    }
  }
}

function decoded(
  schema: typeof DiscoveryRequestSchema | typeof DeltaDiscoveryRequestSchema,
  bytes: Uint8Array,
): DiscoveryRequest | DeltaDiscoveryRequest | undefined {
  try {
    return fromBinary(schema, bytes) as DiscoveryRequest | DeltaDiscoveryRequest;
  } catch {
    return undefined;
  }
}
