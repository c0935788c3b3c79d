import { createServer as createHttp2Server } from 'node:http2';
import type { Server } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import {
  Authorization,
  type CheckRequest,
} from '../../src/gen/envoy/service/auth/v3/external_auth_pb.js';
import type { MeshFacts } from '../../src/policy/mesh-facts.ts';
import type { Address } from '../../src/proxy/address.ts';
import {
  authorizationPolicy,
  type PolicyRule,
  service,
  settings,
  workloadEntry,
} from './policies.ts';
import { LOOPBACK, type ProxyPair, startApp, startPair } from './proxy-pair.ts';

/** Where providers of policies in tests are found. */
export const AUTHZ_SERVICE = { service: 'authz.shop', port: 9000 };

/** A real external authorizer: a server of envoy.service.auth.v3.Authorization. */
export function grpcAuthorizer(check: (request: CheckRequest) => object | Promise<object>): Server {
  const handler = connectNodeAdapter({
    routes: (router) => router.service(Authorization, { check }),
  });
  return createHttp2Server(handler) as unknown as Server;
}

export interface AskedMesh {
  /** Of the workload that is called. */
  readonly app: Address;
  readonly authorizer: Server;
  /** As an element of `meshConfig.extensionProviders` but for its name. */
  readonly provider: Readonly<Record<string, unknown>>;
  readonly rules: readonly PolicyRule[];
}

/** Two sidecars between a client and `app`; a CUSTOM policy of the second asks `authorizer`. */
export async function withAuthorizer(
  { app, authorizer, provider, rules }: AskedMesh,
  use: (pair: ProxyPair) => Promise<void>,
): Promise<void> {
  await using asked = await startApp(authorizer);
  await using pair = await startPair({
    app,
    settings: { ...settings, extensionProviders: [{ name: 'ext', ...provider }] },
    serverFacts: factsOf(asked.address.port, rules),
  });
  await use(pair);
}

/** Facts by which `authz.shop:9000` is the program at `port`, without a sidecar. */
function factsOf(port: number, rules: readonly PolicyRule[]): Partial<MeshFacts> {
  const { serviceAccount: _, ...spec } = workloadEntry({
    address: LOOPBACK,
    labels: { app: 'authz' },
  }).spec;
  return {
    authorizationPolicies: [
      authorizationPolicy(
        { action: 'CUSTOM', provider: { name: 'ext' }, rules: [...rules] },
        { name: 'asks' },
      ),
    ],
    services: [
      service(
        { selector: { app: 'authz' }, ports: [{ name: 'grpc', port: 9000, targetPort: port }] },
        { name: 'authz' },
      ),
    ],
    workloadEntries: [{ ...workloadEntry({}, { name: 'authz-1' }), spec }],
  };
}
