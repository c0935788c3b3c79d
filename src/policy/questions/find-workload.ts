import type { Service } from '../../resources/kinds/service.ts';
import { selects } from '../label-selector.ts';
import { compareText } from '../oldest-first.ts';
import { listed, quote } from '../quote.ts';
import type { Workload } from '../workload.ts';
import type { InventoryWorkload } from './inventory-workloads.ts';
import type { MeshInventory } from './mesh-inventory.ts';

/** Of whom it is asked what may call it. */
export interface FoundWorkload {
  readonly workload: Workload;
  /** By what it was found: `WorkloadEntry`, `Service`, `the label "app"`. */
  readonly by: string;
  /** Its own ports, as far as they are known; those of a Service first. */
  readonly ports: readonly number[];
  /** What of this was assumed. */
  readonly notes: readonly string[];
}

const LISTED = 8;

/**
 * The workload that `namespace/name` means: a Pod, WorkloadEntry or Deployment of that name, one that a
 * Service of that name selects, one that runs as a ServiceAccount of that name, or one with the label
 * `app`. Where nothing of the mesh is known, it is taken to be there with the label `app`; where something
 * is, a sentence says what there is.
 */
export function findWorkload(
  inventory: MeshInventory,
  namespace: string,
  name: string,
): FoundWorkload | { readonly problem: string } {
  const here = inventory.workloads.filter((each) => each.namespace === namespace);
  const named = here.find((each) => each.name === name);
  if (named !== undefined) return foundAs(named, named.kind);
  const service = inventory.services.find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
  );
  if (service !== undefined) return behindService(service, here);
  const running = here.find(({ serviceAccount }) => serviceAccount === name);
  if (running !== undefined) return foundAs(running, `its ServiceAccount`);
  const account = inventory.serviceAccounts.find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
  );
  if (account !== undefined) {
    const labels = account.metadata.labels ?? {};
    const workload = { namespace, name, labels, serviceAccount: name };
    return { workload, by: 'ServiceAccount', ports: [], notes: [] };
  }
  const labelled = here.find(({ labels }) => labels['app'] === name);
  if (labelled !== undefined) return foundAs(labelled, 'the label "app"');
  return inventory.workloads.length === 0
    ? assumed(namespace, name)
    : missing(here, namespace, name);
}

function foundAs(workload: InventoryWorkload, by: string): FoundWorkload {
  return { workload, by, ports: workload.ports, notes: [] };
}

function behindService(service: Service, here: readonly InventoryWorkload[]): FoundWorkload {
  const { namespace = '', name } = service.metadata;
  const { selector = {} } = service.spec;
  const behind =
    Object.keys(selector).length === 0
      ? undefined
      : here.find(({ labels }) => selects(selector, labels));
  const ports = (service.spec.ports ?? []).map(({ port, targetPort = port }) =>
    typeof targetPort === 'number' ? targetPort : (behind?.namedPorts[targetPort] ?? port),
  );
  if (behind !== undefined) return { workload: behind, by: 'Service', ports, notes: [] };
  const workload = { namespace, name, labels: selector, serviceAccount: 'default' };
  const note = `no workload behind the Service is known, so one with just the labels that it selects is assumed`;
  return { workload, by: 'Service', ports, notes: [note] };
}

function assumed(namespace: string, name: string): FoundWorkload {
  const labels = { app: name };
  return {
    workload: { namespace, name, labels, serviceAccount: name },
    by: 'nothing',
    ports: [],
    notes: [`no workload is known, so ${quote(name)} is taken to have the label app=${name}`],
  };
}

function missing(
  here: readonly InventoryWorkload[],
  namespace: string,
  name: string,
): { readonly problem: string } {
  const names = here.map((each) => each.name).toSorted(compareText);
  const has =
    names.length === 0
      ? `there is none in the namespace ${quote(namespace)}`
      : `the namespace has ${listed(names, LISTED, ', ')}`;
  return {
    problem: `no workload, Service or ServiceAccount is named ${quote(`${namespace}/${name}`)}; ${has}`,
  };
}
