import { adminRoutes } from '../control/admin-routes.ts';
import type { Admission } from '../control/admission.ts';
import type { AgentClocks } from '../control/agent-clocks.ts';
import { certificateRoutes } from '../control/certificate-routes.ts';
import type { Distribution } from '../control/distribution.ts';
import { doctorRoutes } from '../control/doctor-report.ts';
import { historyRoutes } from '../control/history-routes.ts';
import { revocationRoutes } from '../control/revocation-routes.ts';
import { serviceAccounts } from '../control/service-accounts.ts';
import { serveJsonSocket } from '../lib/json-socket-server.ts';
import type { Task } from '../lib/tasks.ts';
import { adminSocketPath } from './admin-client.ts';
import type { attestation } from './attestation.ts';
import type { authorityRotation } from './authority-rotation.ts';
import type { ControlPlaneParts } from './control-plane-parts.ts';
import type { startFederation } from './federation.ts';
import type { Monitoring } from './monitoring.ts';

type Attestation = ReturnType<typeof attestation>;

export interface AdminSocketParts {
  readonly federation: Awaited<ReturnType<typeof startFederation>>;
  readonly rotation: ReturnType<typeof authorityRotation>;
  readonly distribution: Distribution;
  readonly clocks: AgentClocks;
  readonly monitoring: Monitoring;
  readonly admission: Admission;
  readonly own: Parameters<typeof doctorRoutes>[0]['own'];
  readonly xdsPort: number;
  readonly enrolment: Attestation['records'];
  readonly tickets: Attestation['tickets'];
  readonly tokens: Attestation['attestors']['tokens'];
}

/**
 * What the command line asks of the control plane, on the socket in its data directory: who may open
 * that file is the operator.
 */
export function serveAdminSocket(
  parts: ControlPlaneParts,
  services: AdminSocketParts,
): Promise<Task> {
  const { config, store, kinds, ledger, revocations, authority, tokenAuthority, events, clock } =
    parts;
  const { federation, rotation, distribution, clocks, monitoring, own } = services;
  const { tickets, enrolment, tokens, admission } = services;
  const observed = { store, authority, own, distribution, revocations, clocks, ledger, clock };
  return serveJsonSocket({
    socketPath: adminSocketPath(config.dataDir),
    routes: {
      ...federation.routes,
      ...tokenAuthority.routes,
      ...doctorRoutes({
        ...{ ...observed, federation: federation.views, pid: process.pid },
        failures: () => parts.monitoring.failures.list(),
        xds: { host: config.xds.host, port: services.xdsPort },
        monitoring: () => ({ at: monitoring.at, problem: monitoring.problem }),
      }),
      ...historyRoutes({ store, kinds, events }),
      ...certificateRoutes({ ledger, revocations }),
      ...rotation.routes,
      ...revocationRoutes({ ...parts, tokens: enrolment, tickets }),
      ...adminRoutes({
        ...{ store, admission, authority, serviceAccounts: serviceAccounts(store), events, clock },
        tokens,
        agents: () => connectedAgents(distribution, clocks),
      }),
    },
  });
}

function connectedAgents({ agents }: Distribution, clocks: AgentClocks): readonly object[] {
  return agents.map(({ agent }) => {
    const [id, node] = [agent.viewer.id.toString(), agent.node.id];
    return { id, node, clockSkewMs: clocks.of(id, node)?.skewMs };
  });
}
