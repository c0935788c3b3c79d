import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import { backupRoutes } from '../../control/backup-routes.ts';
import type { Distribution } from '../../control/distribution/distribution.ts';
import { doctorRoutes } from '../../control/doctor-report.ts';
import { certificateRoutes } from '../../control/issuance/certificate-routes.ts';
import { revocationRoutes } from '../../control/revocation/revocation-routes.ts';
import { statusRoutes } from '../../control/status-routes.ts';
import type { AgentClocks } from '../../control/workloads/agent-clocks.ts';
import type { CallRecords } from '../../control/workloads/call-records.ts';
import type { Monitoring } from '../monitoring.ts';
import type { attestation } from './attestation.ts';
import type { authorityRotation } from './authority-rotation.ts';
import type { ControlPlaneParts } from './control-plane-parts.ts';
import type { startFederation } from './federation.ts';

type Attestation = ReturnType<typeof attestation>;

export interface OperatorApiParts {
  readonly federation: Awaited<ReturnType<typeof startFederation>>;
  readonly rotation: ReturnType<typeof authorityRotation>;
  readonly distribution: Distribution;
  readonly clocks: AgentClocks;
  readonly monitoring: Monitoring;
  readonly calls: CallRecords;
  readonly own: Parameters<typeof doctorRoutes>[0]['own'];
  readonly xdsPort: number;
  readonly enrolment: Attestation['records'];
  readonly tickets: Attestation['tickets'];
}

/**
 * What operators ask of the control plane beside resources, served below the resource API's own paths
 * and authorized like them.
 */
export function operatorRoutes(
  parts: ControlPlaneParts,
  services: OperatorApiParts,
): OperatorRoutes {
  const { config, store, ledger, revocations, authority, tokenAuthority, events, clock } = parts;
  const { federation, rotation, distribution, clocks, monitoring, own } = services;
  const { tickets, enrolment, xdsPort } = services;
  const observed = { store, authority, own, distribution, revocations, clocks, ledger, clock };
  return {
    ...federation.routes,
    ...tokenAuthority.routes,
    ...doctorRoutes({
      ...{ ...observed, federation: federation.views, pid: process.pid },
      failures: () => parts.monitoring.failures.list(),
      xds: { host: config.xds.host, port: xdsPort },
      monitoring: () => ({ at: monitoring.at, problem: monitoring.problem }),
    }),
    ...certificateRoutes({ ledger, revocations }),
    ...rotation.routes,
    ...services.calls.routes,
    ...revocationRoutes({ ...parts, tokens: enrolment, tickets }),
    ...backupRoutes({ store, authority, events, clock }),
    ...statusRoutes({ store, authority, agents: () => connectedAgents(distribution, clocks) }),
  };
}

function connectedAgents({ agents }: Distribution, clocks: AgentClocks): readonly object[] {
  return agents.map(({ agent }) => {
    const [id, node] = [agent.viewer.id.toString(), agent.node.id];
    return { id, node, clockSkewMs: clocks.of(id, node)?.skewMs };
  });
}
