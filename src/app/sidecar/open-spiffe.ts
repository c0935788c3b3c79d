import { meshCrls } from '../../agent/facts/mesh-crls.ts';
import type { IdentityManager } from '../../agent/identity/identity-manager.ts';
import { jwtSvids } from '../../agent/identity/jwt-svids.ts';
import { mintJwtSvid } from '../../agent/identity/mint-jwt-svid.ts';
import type { RegisteredIdentities } from '../../agent/identity/registered-identities.ts';
import type { ServedClients } from '../../agent/socket/served-clients.ts';
import { openSpiffeSocket, type SpiffeSocket } from '../../agent/socket/spiffe-socket.ts';
import { systemClock } from '../../lib/clock.ts';
import { runTasks } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { Logger } from '../../telemetry/process-log.ts';
import type { SidecarConfig } from './sidecar-config.ts';

interface ForSocket {
  readonly registered: RegisteredIdentities | undefined;
  readonly served: ServedClients;
  readonly facts: Watchable<MeshFacts>;
}

/** Opens the socket on which programs get the workload's identity. @throws {MeshError} ERR_LISTEN */
export async function openSpiffe(
  { spiffeSocket: { path, allowedUids, ownUid }, controlPlane, rootNamespace }: SidecarConfig,
  { identity }: IdentityManager,
  { registered, served, facts }: ForSocket,
  log: Logger,
): Promise<SpiffeSocket> {
  const link = { address: controlPlane, rootNamespace };
  const lists = meshCrls(facts, systemClock);
  const socket = await openSpiffeSocket({
    ...{ socketPath: path, allowedUids, ownUid, identity, clock: systemClock },
    ...{ registered: registered?.held, served, crls: lists.crls },
    tokens: jwtSvids({
      mint: (current, audience) =>
        mintJwtSvid({ ...link, identity: current, audience, nowMs: systemClock.now() }),
      clock: systemClock,
    }),
    events: {
      secretRejected: (event) => log.warn(event, 'an Envoy refused a secret and keeps the old one'),
      callerRefused: ({ caller, method }) =>
        log.warn(
          { ...caller, method },
          'refused on the SPIFFE socket; see --allow-uid and --serve-registered',
        ),
    },
  });
  return {
    get sds() {
      return socket.sds;
    },
    run: (signal) => runTasks(signal, [socket.run, lists.run]),
  };
}
