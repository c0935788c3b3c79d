import { messageOf } from '../../lib/errors.ts';
import type { ControlEvents } from '../control-events.ts';
import type { ConnectedAgent, DistributionEvents } from '../distribution/distribution-events.ts';
import type { WorkloadRegistry } from './registry.ts';
import { readWorkloadReport } from './workload-registration.ts';

/**
 * What connecting and leaving agents mean for the control plane: their workloads are registered,
 * and the operator is told.
 */
export function agentPresence(
  registry: WorkloadRegistry,
  events: Pick<
    ControlEvents,
    'agentConnected' | 'agentDisconnected' | 'factsRejected' | 'taskFailed'
  >,
): DistributionEvents {
  return {
    connected(agent) {
      events.agentConnected({ id: agent.viewer.id.toString(), workload: workloadNameOf(agent) });
      if (!servesPorts(agent)) return;
      register(agent).catch((error: unknown) =>
        events.taskFailed({ task: `register ${workloadNameOf(agent)}`, reason: messageOf(error) }),
      );
    },
    disconnected(agent) {
      if (servesPorts(agent)) registry.disconnected(agent.viewer, nameOf(agent));
      events.agentDisconnected({ id: agent.viewer.id.toString(), workload: workloadNameOf(agent) });
    },
    acked: () => undefined,
    nacked: (agent, type, reason) =>
      events.factsRejected({ id: agent.viewer.id.toString(), type, reason }),
    interrupted: (reason) => events.taskFailed({ task: 'read the store', reason }),
  };

  async function register({ viewer, node }: ConnectedAgent): Promise<void> {
    await registry.connected(viewer, readWorkloadReport(node.metadata));
  }
}

/** An observer, such as a dashboard, serves nothing and says so by having no ports. */
function servesPorts({ node }: ConnectedAgent): boolean {
  return 'PORTS' in node.metadata;
}

function nameOf({ node }: ConnectedAgent): string {
  const name = node.metadata['NAME'];
  return typeof name === 'string' ? name : node.id;
}

/** How people name the workload of an agent: `namespace/name`. */
export function workloadNameOf(agent: ConnectedAgent): string {
  return `${agent.viewer.namespace}/${nameOf(agent)}`;
}
