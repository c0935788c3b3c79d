import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type { Node } from '../../gen/envoy/config/core/v3/base_pb.js';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
} from '../../gen/envoy/service/discovery/v3/discovery_pb.js';
import type { SecretDiscoveryService } from '../../gen/envoy/service/secret/v3/sds_pb.js';
import type { Clock } from '../../lib/clock.ts';
import type { Watchable } from '../../lib/watchable.ts';
import { DeltaStream } from '../../xds/delta-stream.ts';
import { DiscoveryConnection, type DiscoveryStream } from '../../xds/discovery-connection.ts';
import { discoveryError } from '../../xds/discovery-error.ts';
import type { ResourceView } from '../../xds/resource-view.ts';
import { SotwStream } from '../../xds/sotw-stream.ts';
import { defaultStreamLimits, type StreamLimits } from '../../xds/stream-limits.ts';
import { type Entitlement, entitlementKey, isEntitled } from '../identity/entitlement.ts';
import type { SdsClientStatus, SdsClients, SdsResource } from './sds-clients.ts';
import { sdsProgress } from './sds-progress.ts';
import { sdsValidator } from './sds-validator.ts';
import { SdsView, SECRET_TYPE } from './sds-view.ts';
import type { ServedClients } from './served-clients.ts';
import { callerKey, entitlementLost } from './socket-caller.ts';

export interface SdsServiceOptions {
  readonly clock: Clock;
  readonly clients: SdsClients;
  /** Is told who is behind. */
  readonly served: Pick<ServedClients, 'join'>;
  /** Ends every stream. */
  readonly signal: AbortSignal;
}

/** What an Envoy may ask. It has one or two names on a stream of its own for each. */
export const SECRET_LIMITS: StreamLimits = {
  ...defaultStreamLimits,
  ...{ maxTypes: 1, maxNames: 64, maxNameLength: 2_048, maxInitialVersions: 64 },
};
const ACK_TIMEOUT_MS = 60_000;

/** Envoy's secret discovery service: state of the world, delta and single answers. */
export function sdsService(
  options: SdsServiceOptions,
): Partial<ServiceImpl<typeof SecretDiscoveryService>> {
  return {
    streamSecrets: (requests, context) =>
      serve(requests, context, {
        ...options,
        variant: 'sotw',
        open: (view, noncePrefix) =>
          new SotwStream({ view, noncePrefix, limits: SECRET_LIMITS, typeUrl: SECRET_TYPE }),
      }),
    deltaSecrets: (requests, context) =>
      serve(requests, context, {
        ...options,
        variant: 'delta',
        open: (view, noncePrefix) => new DeltaStream({ view, noncePrefix, limits: SECRET_LIMITS }),
      }),
    fetchSecrets: (request, context) => fetch(options, context.values.get(entitlementKey), request),
  };
}

interface AnyRequest {
  readonly typeUrl: string;
  readonly node?: Node | undefined;
  readonly resourceNames?: readonly string[];
  readonly resourceNamesSubscribe?: readonly string[];
}

interface ServeOptions<Request, Response> extends SdsServiceOptions {
  readonly variant: SdsClientStatus['variant'];
  readonly open: (view: ResourceView, noncePrefix: string) => DiscoveryStream<Request, Response>;
}

async function* serve<Request extends AnyRequest, Response>(
  requests: AsyncIterable<Request>,
  context: HandlerContext,
  options: ServeOptions<Request, Response>,
): AsyncGenerator<Response> {
  const { clients, served, clock, open, variant } = options;
  const entitlement = context.values.get(entitlementKey);
  const lost = new AbortController();
  const signal = AbortSignal.any([options.signal, context.signal, lost.signal]);
  const incoming = requests[Symbol.asyncIterator]();
  // How the secrets must look depends on the node, which comes with the first request.
  const first = await incoming.next();
  if (first.done === true) return;
  const asked = askedIn(first.value, entitlement.current);
  const { credentials } = context.values.get(callerKey);
  const client = clients.join(variant, credentials, asked);
  const view = new SdsView({ entitlement, clock, validator: sdsValidator(first.value.node) });
  const stream = open(view, `${crypto.randomUUID().slice(0, 8)}-`);
  const place = `sds ${asked.names.join()}`;
  const progress = sdsProgress(stream, asked.names, served.join(credentials.pid, place));
  const connection = new DiscoveryConnection<Request, Response>({
    ...{ clock, stream, ackTimeoutMs: ACK_TIMEOUT_MS },
    observer: {
      opened: (node) => {
        client.opened(node);
        progress.opened(node, credentials);
      },
      acknowledged: () => {
        client.acknowledged();
        progress.acknowledged();
      },
      rejected: (_type, _version, detail) => {
        client.rejected(detail);
        progress.rejected(detail);
      },
      silent: () => {
        client.left();
        progress.left();
      },
    },
  });
  const stop = entitlement.subscribe((next) => {
    if (!isEntitled(next)) return lost.abort();
    connection.changed(SECRET_TYPE);
    progress.look();
  });
  try {
    for await (const response of connection.responses(
      startingWith(first.value, incoming),
      signal,
    )) {
      client.pushed();
      yield response;
    }
  } catch (error) {
    throw discoveryError(error);
  } finally {
    stop();
    client.left();
    progress.left();
  }
  if (lost.signal.aborted) throw entitlementLost();
  if (options.signal.aborted) throw new ConnectError('the agent is stopping', Code.Unavailable);
}

/** What the first request of a stream is about; an empty list asks for everything. */
function askedIn(
  { resourceNames = [], resourceNamesSubscribe = [] }: AnyRequest,
  { identities }: Entitlement,
): { readonly names: readonly string[]; readonly resource: SdsResource } {
  const own = new Set([
    'default',
    ...identities.map(({ identity }) => identity.svid.id.toString()),
  ]);
  const names = [...resourceNames, ...resourceNamesSubscribe].slice(0, SECRET_LIMITS.maxNames);
  const certificates = names.filter((name) => own.has(name)).length;
  const resource: SdsResource =
    certificates === names.length ? 'certificate' : certificates === 0 ? 'validation' : 'both';
  return { names, resource: names.length === 0 ? 'both' : resource };
}

async function* startingWith<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** One answer with all that was asked for; there is no later push for a name that does not exist. */
function fetch(
  { clock }: SdsServiceOptions,
  entitlement: Watchable<Entitlement>,
  request: DiscoveryRequest,
): DiscoveryResponse {
  const view = new SdsView({ entitlement, clock, validator: sdsValidator(request.node) });
  const asked = create(DiscoveryRequestSchema, { ...request, responseNonce: '' });
  const stream = new SotwStream({
    ...{ view, limits: SECRET_LIMITS, typeUrl: SECRET_TYPE, noncePrefix: '' },
  });
  try {
    stream.handle(asked, clock.elapsedMs());
  } catch (error) {
    throw discoveryError(error);
  }
  const unknown = request.resourceNames.filter(
    (name) => name !== '*' && view.get(SECRET_TYPE, name) === undefined,
  );
  const response = stream.next(clock.elapsedMs());
  if (response !== undefined && unknown.length === 0) return response;
  throw new ConnectError(`no such secret: ${JSON.stringify(unknown)}`, Code.NotFound);
}
