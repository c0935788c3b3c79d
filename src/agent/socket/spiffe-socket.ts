import { readCallerProcess } from '../../attestation/caller-process.ts';
import { fileHash } from '../../attestation/file-hash.ts';
import type { PeerCredentials } from '../../attestation/peer-credentials.ts';
import { SecretDiscoveryService } from '../../gen/envoy/service/secret/v3/sds_pb.js';
import { Health } from '../../gen/grpc/health/v1/health_pb.js';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import { SpiffeWorkloadAPI } from '../../gen/spiffe/workload_pb.js';
import type { Clock } from '../../lib/clock.ts';
import type { Task } from '../../lib/tasks.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Crl } from '../../x509/crl.ts';
import { Entitlements } from '../identity/entitlements.ts';
import type { JwtSvids } from '../identity/jwt-svids.ts';
import type { RegisteredIdentity } from '../identity/registered-identities.ts';
import { healthService } from './health-service.ts';
import { reflectionServices } from './reflection-service.ts';
import { SdsClients, type SdsEvents, type SdsStatus } from './sds-clients.ts';
import { sdsService } from './sds-service.ts';
import { ServedClients } from './served-clients.ts';
import { onlyEntitled, onlyWithWorkloadHeader } from './socket-caller.ts';
import { startUnixGrpcServer } from './unix-grpc-server.ts';
import { workloadApi } from './workload-api.ts';
import { workloadApiJwt } from './workload-api-jwt.ts';

export interface SpiffeSocketEvents extends SdsEvents {
  /** Somebody called who may have nothing. */
  callerRefused(event: { readonly caller: PeerCredentials; readonly method: string }): void;
}

export interface SpiffeSocketOptions {
  readonly socketPath: string;
  readonly identity: Watchable<Identity>;
  readonly tokens: JwtSvids;
  readonly clock: Clock;
  /** Users whose processes are given the identity. */
  readonly allowedUids: readonly number[];
  /** Identities of other workloads, for the processes that they are registered for. Default: none. */
  readonly registered?: Watchable<readonly RegisteredIdentity[]> | undefined;
  /** Of the sidecar itself: a socket for others must let others in. */
  readonly ownUid: number;
  /** What the mesh's authorities have revoked. Default: no lists. */
  readonly crls?: Watchable<readonly Crl[]>;
  readonly events: SpiffeSocketEvents;
  /** Is told who is behind what this socket has. Default: nobody asks. */
  readonly served?: ServedClients;
}

export interface SpiffeSocket {
  readonly sds: SdsStatus;
  readonly run: Task;
}

const SERVICES = [SpiffeWorkloadAPI, SecretDiscoveryService, Health];
const nobodyElse = new WatchableValue<readonly RegisteredIdentity[]>([]);
const noLists = new WatchableValue<readonly Crl[]>([]);
const OWNER_ONLY = 0o600;
const EVERYBODY = 0o666;

/**
 * The socket of `SPIFFE_ENDPOINT_SOCKET`: SPIFFE Workload API, Envoy's SDS, gRPC health and
 * reflection, for processes of the allowed users and those that are registered. Health and reflection
 * answer everybody who can open it. It answers from the moment on that this resolves.
 *
 * @throws {MeshError} ERR_LISTEN when the socket cannot be made.
 */
export async function openSpiffeSocket(options: SpiffeSocketOptions): Promise<SpiffeSocket> {
  const { identity, tokens, clock, allowedUids, events } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const forOthers =
    options.registered !== undefined || allowedUids.some((uid) => uid !== options.ownUid);
  const clients = new SdsClients(events, () => clock.now());
  const { served = new ServedClients({ clock }) } = options;
  const hash = fileHash();
  const entitlements = new Entitlements({
    ...{ own: identity, allowedUids, registered: options.registered ?? nobodyElse },
    crls: options.crls ?? noLists,
    lookUp: (caller, hashed) => readCallerProcess(caller, { hash: hashed ? hash : undefined }),
  });
  const serve = await startUnixGrpcServer({
    socketPath: options.socketPath,
    mode: forOthers ? EVERYBODY : OWNER_ONLY,
    interceptors: [
      onlyEntitled({
        entitlements,
        services: [SpiffeWorkloadAPI.typeName, SecretDiscoveryService.typeName],
        refused: (caller, method) => events.callerRefused({ caller, method }),
      }),
      onlyWithWorkloadHeader,
    ],
    routes: (router) => {
      router.service(SpiffeWorkloadAPI, {
        ...workloadApi({ clock, served, signal }),
        ...workloadApiJwt({ tokens, clock, signal }),
      });
      router.service(SecretDiscoveryService, sdsService({ clock, clients, served, signal }));
      router.service(Health, healthService({ ...health(identity, clock), signal }));
      const reflection = reflectionServices({ services: SERVICES, signal });
      router.service(ServerReflection, reflection.v1);
      router.service(ServerReflectionAlpha, reflection.v1alpha);
    },
  });
  return {
    get sds() {
      return clients.status;
    },
    run: async (until) => {
      const aborted = (): void => stopping.abort();
      if (until.aborted) aborted();
      until.addEventListener('abort', aborted, { once: true });
      await serve(until);
    },
  };
}

function health(identity: Watchable<Identity>, clock: Clock) {
  return {
    services: [SpiffeWorkloadAPI.typeName, SecretDiscoveryService.typeName],
    state: identity,
    serving: () => identity.current.svid.chain.every(({ notAfterMs }) => notAfterMs > clock.now()),
  };
}
