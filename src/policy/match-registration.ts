import type { WorkloadRegistration } from '../resources/kinds/workload-registration.ts';
import { readUnixSelector, type UnixSelector } from '../resources/unix-selector.ts';
import type { SpiffeId } from '../spiffe/spiffe-id.ts';

/** What the kernel says of a calling process. What could not be found out is undefined. */
export interface ProcessFacts {
  readonly uid: number;
  readonly gid: number;
  readonly path: string | undefined;
  readonly sha256: string | undefined;
  readonly cgroup: string | undefined;
}

/** Whether all that the registration asks for is true of the process; what is not known is not true. */
export function matchesRegistration(
  { spec }: WorkloadRegistration,
  process: ProcessFacts,
): boolean {
  if (spec.selectors.length === 0) return false;
  return spec.selectors.every((text) => {
    const selector = readUnixSelector(text);
    return 'fact' in selector && holds(selector, process);
  });
}

/** Whether the agent with this identity is one of those that may serve it. */
export function mayServe({ metadata, spec }: WorkloadRegistration, agent: SpiffeId): boolean {
  const { workload } = agent;
  if (workload === undefined) return false;
  return spec.agents.some(
    ({ serviceAccount, namespace = metadata.namespace }) =>
      serviceAccount === workload.serviceAccount && namespace === workload.namespace,
  );
}

/**
 * Whether only the hash of the executable is left to find out, which takes time: strangers must not be
 * able to make an agent hash their files.
 */
export function needsHash({ spec }: WorkloadRegistration, process: ProcessFacts): boolean {
  const selectors = spec.selectors.map(readUnixSelector).filter((each) => 'fact' in each);
  const others = selectors.filter(({ fact }) => fact !== 'sha256');
  return others.length < selectors.length && others.every((each) => holds(each, process));
}

function holds({ fact, value }: UnixSelector, process: ProcessFacts): boolean {
  switch (fact) {
    case 'uid':
      return process.uid === Number(value);
    case 'gid':
      return process.gid === Number(value);
    case 'path':
      return process.path === value;
    case 'sha256':
      return process.sha256 === value;
    case 'cgroup':
      return process.cgroup !== undefined && isInCgroup(process.cgroup, value);
  }
}

function isInCgroup(cgroup: string, wanted: string): boolean {
  if (!wanted.endsWith('/*')) return cgroup === wanted;
  const above = wanted.slice(0, -1);
  return cgroup.length > above.length && cgroup.startsWith(above);
}
