import { formatDuration } from '../../lib/duration.ts';
import type { SidecarStatus } from '../sidecar/sidecar-status.ts';
import { clockFinding } from './clock-finding.ts';
import { expiryFinding } from './expiry-finding.ts';
import { type Finding, ok } from './finding.ts';

/** Renewed at half: who is past three quarters of the life has failed at it. */
const RENEWAL_OVERDUE = 0.25;
const SHOWN_HANDSHAKES = 3;

/** What a sidecar's status says of its health. */
export function sidecarFindings(status: SidecarStatus, nowMs: number): readonly Finding[] {
  return [
    certificateFinding(status, nowMs),
    ...renewalFindings(status),
    controlPlaneFinding(status, nowMs),
    factsFinding(status, nowMs),
    ...sidecarClock(status, nowMs),
    ...secretFindings(status),
    ...registeredFindings(status),
    ...handshakeFindings(status, nowMs),
    ...status.monitoring.problems.map(
      (evidence): Finding => ({
        ...{ check: 'ports', level: 'warning', what: 'metrics or readiness are off', evidence },
        action: 'give each sidecar of this host ports of its own with --metrics and --readiness',
      }),
    ),
  ];
}

function certificateFinding({ identity }: SidecarStatus, nowMs: number): Finding {
  const { id, serial, issuedAtMs, notBeforeMs, notAfterMs } = identity;
  return expiryFinding('certificate', {
    ...{ what: `the certificate of "${id}"`, serial, notBeforeMs, notAfterMs, nowMs },
    withinMs: (notAfterMs - issuedAtMs) * RENEWAL_OVERDUE,
    action:
      'it is renewed at half of its life by itself: see the failed renewals and the clock here',
  });
}

function renewalFindings({ renewal: { failures, lastError } }: SidecarStatus): readonly Finding[] {
  if (failures === 0) return [ok('renewal', 'renewal has not failed', 'no failure since the last')];
  return [
    {
      ...{
        check: 'renewal',
        level: 'problem',
        what: `renewal has failed ${failures} times in a row`,
      },
      evidence: lastError ?? '',
      action: 'the present certificate stays in use until it ends; remove the cause before that',
    },
  ];
}

function controlPlaneFinding({ controlPlane }: SidecarStatus, nowMs: number): Finding {
  const since = formatDuration(Math.max(0, nowMs - controlPlane.sinceMs));
  const check = 'control-plane';
  switch (controlPlane.phase) {
    case 'synced':
      return ok(check, 'in sync with the control plane', `for ${since}`);
    case 'connecting':
      return {
        ...{ check, level: 'warning', what: 'connecting to the control plane' },
        evidence: `for ${since}`,
        action: 'run this again in a few seconds',
      };
    case 'waiting':
      return {
        ...{ check, level: 'problem', what: 'the control plane cannot be reached' },
        evidence: `for ${since}, ${controlPlane.failures} attempts: ${controlPlane.lastError}`,
        action:
          'check that `hauberk up` runs and that --control-plane names it; traffic goes on until certificates end',
      };
  }
}

function factsFinding({ facts: { source, services } }: SidecarStatus, nowMs: number): Finding {
  if (source.from === 'control-plane') {
    return ok('facts', 'facts are from the control plane', `${services} services`);
  }
  const age = source.from === 'disk' ? formatDuration(Math.max(0, nowMs - source.savedAtMs)) : '';
  return {
    ...{ check: 'facts', level: 'warning' },
    what: 'decisions are made by facts of an earlier run',
    evidence: source.from === 'disk' ? `saved ${age} ago` : 'there are none',
    action: 'they are confirmed once the control plane can be reached',
  };
}

function sidecarClock({ clock }: SidecarStatus, nowMs: number): readonly Finding[] {
  const findings = clock.skewMs === undefined ? [] : [clockFinding('this host', clock.skewMs)];
  if (clock.lastJump === undefined) return findings;
  const { atMs, byMs } = clock.lastJump;
  const ago = formatDuration(Math.max(0, nowMs - atMs));
  return [
    ...findings,
    {
      ...{ check: 'clock-jump', level: 'warning' },
      what: 'the clock was set, or the machine slept',
      evidence: `${clock.jumps} times, last ${ago} ago by ${formatDuration(byMs)}`,
      action: 'nothing, if it was meant; certificates were looked at again at once',
    },
  ];
}

function secretFindings({ spiffeSocket: { sds } }: SidecarStatus): readonly Finding[] {
  const refused = sds.clients.flatMap(({ node, pid, names, rejection }): Finding[] =>
    rejection === undefined
      ? []
      : [
          {
            ...{ check: 'sds', level: 'problem' },
            what: `Envoy ${node === '' ? '' : `"${node}" `}(pid ${pid}) refuses ${names.join(', ')}`,
            evidence: `at ${new Date(rejection.atMs).toISOString()}: ${rejection.detail}`,
            action:
              'it goes on with the secret before; correct its configuration, or the name that it asks for',
          },
        ],
  );
  if (refused.length > 0) return refused;
  const evidence = `${sds.clients.length} clients, ${sds.acknowledged} accepted, ${sds.rejected} refused`;
  return [ok('sds', 'no Envoy refuses a secret', evidence)];
}

function registeredFindings({ spiffeSocket: { registered } }: SidecarStatus): readonly Finding[] {
  return registered.flatMap(({ registration, id, problem }): Finding[] =>
    problem === undefined
      ? []
      : [
          {
            ...{ check: 'registered-workload', level: 'problem', evidence: problem },
            what: `WorkloadRegistration ${registration} has ${id === undefined ? 'no' : 'no newer'} certificate`,
            action: 'remove the cause that the reason names; it is tried again by itself',
          },
        ],
  );
}

function handshakeFindings({ recent }: SidecarStatus, nowMs: number): readonly Finding[] {
  const failed = recent.filter(({ event }) => event === 'handshakeFailed');
  const newest = failed.at(-1);
  if (newest === undefined) return [];
  const reasons = failed
    .slice(-SHOWN_HANDSHAKES)
    .map(({ record }) => String((record as { readonly reason?: unknown }).reason ?? ''));
  return [
    {
      ...{ check: 'handshakes', level: 'warning' },
      what: `${failed.length} of the newest ${recent.length} events are failed handshakes`,
      evidence: `last ${formatDuration(Math.max(0, nowMs - newest.atMs))} ago: ${[...new Set(reasons)].join(' | ')}`,
      action:
        'each reason names the certificate and the check; nothing, if these peers are not meant to come in',
    },
  ];
}
