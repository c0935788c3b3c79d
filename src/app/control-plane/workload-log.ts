import type { LogSource } from '../../apiserver/pod-log.ts';
import type { WorkloadLogs } from '../../control/workloads/workload-logs.ts';
import type { Resource } from '../../resources/resource.ts';

/** The log of the sidecar that a Pod shows; undefined while its agent is not connected. */
export function workloadLog(pod: Resource, logs: WorkloadLogs): LogSource | undefined {
  const { namespace = '', name } = pod.metadata;
  const { serviceAccountName = '' } = pod['spec'] as { readonly serviceAccountName?: string };
  const workload = { namespace, serviceAccount: serviceAccountName, name };
  if (!logs.isThere(workload)) return undefined;
  return { lines: (options, signal) => logs.lines(workload, options, signal) };
}
