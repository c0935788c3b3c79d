import { isIP } from 'node:net';
import { MeshError } from '../../lib/errors.ts';
import { annotations } from '../../resources/annotations.ts';
import { keyOf, keyText, type Resource } from '../../resources/resource.ts';
import { validateResource } from '../../resources/validate-resource.ts';
import type { Store } from '../../store/store.ts';

/** What a connected agent says of its workload, in the metadata of its xDS node. */
export interface WorkloadReport {
  readonly name: string;
  /** Where peers reach it. */
  readonly address: string;
  readonly hbonePort: number;
  /** Workload port by name. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Who it is, from its certificate. */
export interface Registrant {
  readonly namespace: string;
  readonly serviceAccount: string;
}

const LONGEST_NAME = 253;
const MOST_PORTS = 64;

/** @throws {MeshError} ERR_WIRE naming the field that cannot be used. */
export function readWorkloadReport(metadata: Readonly<Record<string, unknown>>): WorkloadReport {
  const { NAME: name, INSTANCE_IPS: address, HBONE_PORT: hbonePort, PORTS: ports } = metadata;
  if (typeof name !== 'string' || name.length === 0 || name.length > LONGEST_NAME)
    throw bad('NAME', name);
  if (typeof address !== 'string' || isIP(address) === 0) throw bad('INSTANCE_IPS', address);
  if (!isPort(hbonePort)) throw bad('HBONE_PORT', hbonePort);
  if (typeof ports !== 'object' || ports === null) throw bad('PORTS', ports);
  const entries = Object.entries(ports);
  if (entries.length > MOST_PORTS) throw bad('PORTS', `${entries.length} entries`);
  for (const [key, value] of entries) if (!isPort(value)) throw bad(`PORTS.${key}`, value);
  return { name, address, hbonePort, ports: Object.fromEntries(entries) as Record<string, number> };
}

/**
 * Writes the WorkloadEntry of a connected agent. Its labels are those of its ServiceAccount: were
 * they the agent's own claim, any workload could put itself behind another's Service.
 *
 * @throws {MeshError} ERR_CONFLICT when somebody wrote an entry of that name by hand or another
 *   service account has registered it; ERR_WIRE when the entry would not be valid.
 */
export async function registerWorkload(
  store: Store,
  registrant: Registrant,
  report: WorkloadReport,
): Promise<Resource> {
  const { namespace, serviceAccount } = registrant;
  const account = await store.get({ kind: 'ServiceAccount', namespace, name: serviceAccount });
  const labels = account?.metadata.labels ?? {};
  const validated = validateResource({
    apiVersion: 'networking.istio.io/v1',
    kind: 'WorkloadEntry',
    metadata: {
      namespace,
      name: report.name,
      labels,
      annotations: {
        [annotations.hbonePort]: String(report.hbonePort),
        [annotations.registered]: serviceAccount,
      },
    },
    spec: { address: report.address, ports: report.ports, labels, serviceAccount },
  });
  if ('problems' in validated) {
    const [first] = validated.problems;
    throw new MeshError(
      'ERR_WIRE',
      `workload "${report.name}": ${first?.field}: ${first?.message}`,
    );
  }
  const key = keyOf(validated.resource);
  const present = await store.get(key);
  const owner = present?.metadata.annotations?.[annotations.registered];
  if (present !== undefined && owner !== serviceAccount) {
    throw new MeshError(
      'ERR_CONFLICT',
      `${keyText(key)} exists and ${owner === undefined ? 'was written by hand' : `belongs to service account "${owner}"`}; give the sidecar another --name`,
    );
  }
  const expectVersion = present?.metadata.resourceVersion ?? '0';
  const [stored] = await store.commit([{ op: 'put', resource: validated.resource, expectVersion }]);
  return stored ?? validated.resource;
}

/** Takes the entry away, unless it is no longer the registered one. */
export async function deregisterWorkload(store: Store, registered: Resource): Promise<void> {
  const key = keyOf(registered);
  const present = await store.get(key);
  if (present?.metadata.annotations?.[annotations.registered] === undefined) return;
  const expectVersion = present.metadata.resourceVersion ?? '0';
  await store.commit([{ op: 'delete', key, expectVersion }]);
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}

function bad(field: string, value: unknown): MeshError {
  const shown = JSON.stringify(value)?.slice(0, 80) ?? 'missing';
  return new MeshError('ERR_WIRE', `node metadata ${field} cannot be used: ${shown}`);
}
