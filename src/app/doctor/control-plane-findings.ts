import type { DoctorReport } from '../../control/doctor-report.ts';
import { formatDuration } from '../../lib/duration.ts';
import { clockFinding } from './clock-finding.ts';
import { expiryFinding } from './expiry-finding.ts';
import { type Finding, ok } from './finding.ts';

const RENEWAL_OVERDUE = 0.25;
const DEFAULT_WITHIN_MS = 30 * 86_400_000;

/**
 * What a control plane's own report says of its health.
 *
 * @param withinMs an authority that ends sooner is a problem; default 30 days, or a quarter of its life
 */
export function controlPlaneFindings(
  report: DoctorReport,
  { nowMs, withinMs }: { readonly nowMs: number; readonly withinMs: number | undefined },
): readonly Finding[] {
  return [
    ...authorityFindings(report, nowMs, withinMs),
    databaseFinding(report),
    agentsFinding(report),
    ...report.agents.flatMap(behindFindings),
    ...clockFindings(report),
    ...overdueFindings(report, nowMs),
    ...report.federation.map(federationFinding),
    ...widePolicyFindings(report),
    ...failureFindings(report, nowMs),
    ...monitoringFindings(report),
  ];
}

function authorityFindings(
  { certificates }: DoctorReport,
  nowMs: number,
  withinMs: number | undefined,
): readonly Finding[] {
  const actions: Readonly<Record<string, string>> = {
    root: 'replace the root while it is still valid; see `hauberk ca --help`',
    intermediate: 'it is renewed at half of its life by itself: see audit.log for why not',
    'control-plane': 'it is renewed at half of its life by itself: restart the control plane',
  };
  return certificates.map(({ role, serial, notBeforeMs, notAfterMs }) =>
    expiryFinding('authority', {
      ...{ what: `the ${role} certificate`, serial, notBeforeMs, notAfterMs, nowMs },
      withinMs:
        withinMs === undefined || role === 'control-plane'
          ? // What lives for a day would always be near its end.
            Math.min(DEFAULT_WITHIN_MS, (notAfterMs - notBeforeMs) * RENEWAL_OVERDUE)
          : withinMs,
      action: actions[role] ?? '',
    }),
  );
}

function databaseFinding({ database: { problem, version, factsVersion } }: DoctorReport): Finding {
  if (problem !== undefined) {
    return {
      ...{ check: 'database', level: 'problem', what: 'the database does not answer' },
      evidence: problem,
      action:
        'free space on its disk and check its file; `hauberk ca restore` makes a new one of a backup',
    };
  }
  if (factsVersion < version) {
    return {
      ...{ check: 'database', level: 'warning', what: 'facts are behind the database' },
      evidence: `version ${version} is stored, ${factsVersion} is being distributed`,
      action: 'run this again; if it stays so, see audit.log for why the store cannot be read',
    };
  }
  return ok('database', 'the database answers', `version ${version}`);
}

function agentsFinding({ agents }: DoctorReport): Finding {
  const behind = agents.filter((agent) => agent.behind.length > 0).length;
  return ok('sidecars', `${agents.length} sidecars are connected`, `${behind} of them are behind`);
}

function behindFindings({ id, node, behind }: DoctorReport['agents'][number]): readonly Finding[] {
  return behind.map(({ kind, acknowledged, wanted, rejected }) => {
    const what = `${node} (${id}) has not taken the newest ${kind} facts`;
    const evidence = `version ${acknowledged} of ${wanted}`;
    return rejected === undefined
      ? {
          ...({ check: 'sidecar-behind', level: 'warning', what, evidence } as const),
          action: 'run this again; a sidecar that stays behind hangs: see its log',
        }
      : {
          ...({ check: 'sidecar-behind', level: 'problem', what } as const),
          evidence: `${evidence}; it refused: ${rejected}`,
          action:
            'correct the resource that it names, or bring sidecar and control plane to one version',
        };
  });
}

function clockFindings({ agents }: DoctorReport): readonly Finding[] {
  const findings = agents.flatMap(({ node, clockSkewMs }) =>
    clockSkewMs === undefined ? [] : [clockFinding(node, clockSkewMs)],
  );
  const off = findings.filter(({ level }) => level !== 'ok');
  if (off.length > 0 || findings.length === 0) return off;
  const what = 'the clocks of all sidecars agree with the control plane';
  return [ok('clock-skew', what, `${findings.length} compared`)];
}

/** Renewal is at half of the life: who is past three quarters has failed at it. */
function overdueFindings({ newest }: DoctorReport, nowMs: number): readonly Finding[] {
  const overdue = newest.filter(
    ({ issuedAtMs, notAfterMs }) =>
      notAfterMs - nowMs < (notAfterMs - issuedAtMs) * RENEWAL_OVERDUE,
  );
  if (overdue.length === 0) {
    const evidence = `${newest.length} identities of connected sidecars`;
    return [ok('renewal', 'no connected sidecar is late with its renewal', evidence)];
  }
  return overdue.map(({ id, serial, notAfterMs }) => ({
    ...{ check: 'renewal', level: 'problem' },
    what: `"${id}" has not renewed its certificate`,
    evidence: `the newest, ${serial}, ends in ${formatDuration(Math.max(0, notAfterMs - nowMs))}`,
    action: 'see why in that sidecar: `hauberk doctor --sidecar STATE_DIR` on its host',
  }));
}

function federationFinding(view: DoctorReport['federation'][number]): Finding {
  const { trustDomain, state, lastError, lastSuccess, url } = view;
  const check = 'federation';
  const confirmed = lastSuccess === undefined ? 'never in this run' : `at ${lastSuccess}`;
  const evidence = `${url}, confirmed ${confirmed}${lastError === undefined ? '' : `: ${lastError}`}`;
  switch (state) {
    case 'fresh':
      return ok(check, `the bundle of "${trustDomain}" is fresh`, evidence);
    case 'stale':
      return {
        ...{ check, level: 'warning', evidence },
        what: `the bundle of "${trustDomain}" could not be confirmed`,
        action:
          'what is held stays in use; see whether the endpoint answers before they replace their root',
      };
    case 'missing':
    case 'refused':
      return {
        ...{ check, level: 'problem', evidence },
        what: `nobody of "${trustDomain}" is believed`,
        action: `correct URL, profile or bundle: \`hauberk federation show ${trustDomain}\``,
      };
  }
}

function widePolicyFindings({ widePolicies, federation }: DoctorReport): readonly Finding[] {
  if (federation.length === 0) return [];
  return widePolicies.map((policy) => ({
    ...{ check: 'policy-across-trust-domains', level: 'warning' },
    what: `AuthorizationPolicy ${policy} also admits federated trust domains`,
    evidence: 'it allows by namespaces or serviceAccounts without trustDomains or principals',
    action: 'write principals, or trustDomains beside them, if only this mesh is meant',
  }));
}

function failureFindings({ failures }: DoctorReport, nowMs: number): readonly Finding[] {
  return failures.map(({ task, reason, atMs, count }) => ({
    ...{ check: 'own-tasks', level: 'warning' },
    what: `the control plane failed to ${task}`,
    evidence: `${count} times, last ${formatDuration(Math.max(0, nowMs - atMs))} ago: ${reason}`,
    action: 'it is tried again by itself; remove the cause that the reason names',
  }));
}

function monitoringFindings({ monitoring }: DoctorReport): readonly Finding[] {
  if (monitoring.problem === undefined) return [];
  return [
    {
      ...{ check: 'ports', level: 'warning', what: 'metrics and health are off' },
      evidence: monitoring.problem,
      action: 'give `hauberk up` another address with --metrics',
    },
  ];
}
