import type { DoctorReport } from '../../control/doctor-report.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { callAdmin } from '../admin-client.ts';
import { readStatus } from '../sidecar/sidecar-socket.ts';
import { controlPlaneFindings } from './control-plane-findings.ts';
import { databaseFindings } from './database-findings.ts';
import { type Diagnosis, diagnosis, type Finding, ok } from './finding.ts';
import { descriptorFinding, directoryFindings } from './host-findings.ts';
import { portFinding } from './port-finding.ts';
import { sidecarFindings } from './sidecar-findings.ts';

export interface DoctorOptions {
  readonly clock: Clock;
  /** See controlPlaneFindings. */
  readonly withinMs: number | undefined;
}

/** Examines the control plane of a data directory, on its host. Never throws for what is wrong with it. */
export async function examineControlPlane(
  dataDir: string,
  { clock, withinMs }: DoctorOptions,
): Promise<Diagnosis> {
  const subject = `control plane on "${dataDir}"`;
  const host = [...directoryFindings(dataDir), ...databaseFindings(dataDir)];
  try {
    const call = { method: 'GET', path: '/v1/doctor' } as const;
    const report = await callAdmin<DoctorReport>(dataDir, call);
    const own = report.certificates.find(({ role }) => role === 'control-plane');
    const findings = [
      ok('reachable', 'the control plane answers', `trust domain "${report.trustDomain}"`),
      await portFinding({ ...report.xds, serial: own?.serial ?? '' }),
      ...controlPlaneFindings(report, { nowMs: clock.now(), withinMs }),
      ...host,
      descriptorFinding(report.pid),
    ];
    return diagnosis(subject, findings);
  } catch (error) {
    return diagnosis(subject, [unreachable(error), ...host]);
  }
}

/** Examines the sidecar of a state directory, on its host. Never throws for what is wrong with it. */
export async function examineSidecar(
  stateDir: string,
  { clock }: Pick<DoctorOptions, 'clock'>,
): Promise<Diagnosis> {
  const subject = `sidecar on "${stateDir}"`;
  const host = directoryFindings(stateDir);
  try {
    const status = await readStatus(stateDir);
    const { namespace, name } = status.workload;
    const findings = [
      ok('reachable', 'the sidecar answers', `${namespace}/${name}, pid ${status.pid}`),
      ...sidecarFindings(status, clock.now()),
      ...host,
      descriptorFinding(status.pid),
    ];
    return diagnosis(subject, findings);
  } catch (error) {
    return diagnosis(subject, [unreachable(error), ...host]);
  }
}

function unreachable(error: unknown): Finding {
  if (!MeshError.is(error)) throw error;
  return {
    ...{ check: 'reachable', level: 'unknown', what: 'nobody answers' },
    evidence: messageOf(error),
    action: 'start it, or name another directory; see its log for why it ended',
  };
}
