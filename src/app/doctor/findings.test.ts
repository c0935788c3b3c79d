import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../control/doctor-report.ts';
import type { SidecarStatus } from '../sidecar/sidecar-status.ts';
import { controlPlaneFindings } from './control-plane-findings.ts';
import { diagnosis, exitCodeFor, type Finding } from './finding.ts';
import { descriptorFinding, directoryFindings } from './host-findings.ts';
import { sidecarFindings } from './sidecar-findings.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const certificate = (role: string, lifeMs: number, restMs: number) => ({
  ...{ role, serial: 'ab', notBeforeMs: NOW + restMs - lifeMs, notAfterMs: NOW + restMs },
});

const healthy: DoctorReport = {
  ...{ pid: 1, trustDomain: 'cluster.local', xds: { host: '127.0.0.1', port: 15012 } },
  certificates: [
    certificate('root', 3650 * DAY_MS, 3000 * DAY_MS),
    certificate('intermediate', 365 * DAY_MS, 200 * DAY_MS),
    certificate('control-plane', DAY_MS, 20 * HOUR_MS),
  ],
  database: { version: 7, factsVersion: 7 },
  agents: [{ id: 'spiffe://cluster.local/ns/a/sa/b', node: 'a/b-1', clockSkewMs: 3, behind: [] }],
  newest: [{ id: 'x', serial: '1', issuedAtMs: NOW - HOUR_MS, notAfterMs: NOW + 23 * HOUR_MS }],
  ...{ federation: [], widePolicies: ['shop/wide'], failures: [] },
  monitoring: { at: '127.0.0.1:15014' },
};

function judged(changes: Partial<DoctorReport>): readonly Finding[] {
  const options = { nowMs: NOW, withinMs: 30 * DAY_MS };
  const findings = controlPlaneFindings({ ...healthy, ...changes }, options);
  return findings.filter(({ level }) => level !== 'ok');
}

const federated = {
  ...{ trustDomain: 'partner.example', url: 'https://b/', profile: 'https_web' as const },
  ...{ endpointId: undefined, bundle: undefined, lastAttempt: undefined, nextAttempt: undefined },
  ...{ state: 'fresh' as const, lastSuccess: undefined, failures: 0, lastError: undefined },
};

describe('a control plane', () => {
  it('is healthy when all is well', () => {
    expect(judged({})).toEqual([]);
  });

  it.each<[string, Partial<DoctorReport>, Finding['level'], RegExp]>([
    [
      'an intermediate that ends within 30 days',
      { certificates: [certificate('intermediate', 365 * DAY_MS, 29 * DAY_MS)] },
      'problem',
      /the intermediate certificate runs out in 29d/,
    ],
    [
      'a root that has expired',
      { certificates: [certificate('root', 365 * DAY_MS, -DAY_MS)] },
      'problem',
      /the root certificate expired 1d ago.*replace the root/,
    ],
    [
      'a database that does not answer',
      { database: { version: 0, factsVersion: 0, problem: 'disk I/O error' } },
      'problem',
      /the database does not answer.*disk I\/O error/,
    ],
    [
      'a sidecar that refuses facts',
      {
        agents: [
          {
            ...{ id: 'x', node: 'shop/web-1' },
            behind: [
              {
                kind: 'Service',
                acknowledged: 3,
                wanted: 7,
                rejected: '"shop/a": spec is required',
              },
            ],
          },
        ],
      },
      'problem',
      /shop\/web-1 .* newest Service facts.*version 3 of 7; it refused: "shop\/a": spec is required/,
    ],
    [
      'a sidecar that has not answered yet',
      {
        agents: [{ id: 'x', node: 'n', behind: [{ kind: 'Service', acknowledged: 6, wanted: 7 }] }],
      },
      'warning',
      /version 6 of 7/,
    ],
    [
      'a clock that is off',
      { agents: [{ id: 'x', node: 'shop/web-1', clockSkewMs: -7_200_000, behind: [] }] },
      'problem',
      /clock of shop\/web-1.*2h behind/,
    ],
    [
      'a renewal that is late',
      {
        newest: [
          { id: 'x', serial: '1', issuedAtMs: NOW - 20 * HOUR_MS, notAfterMs: NOW + 4 * HOUR_MS },
        ],
      },
      'problem',
      /"x" has not renewed/,
    ],
    [
      'a stale bundle',
      { federation: [{ ...federated, state: 'stale', lastError: 'refused' }], widePolicies: [] },
      'warning',
      /"partner.example" could not be confirmed.*refused/,
    ],
    [
      'a bundle that is missing',
      { federation: [{ ...federated, state: 'missing' }], widePolicies: [] },
      'problem',
      /nobody of "partner.example" is believed/,
    ],
    [
      'policies that a federated trust domain passes too',
      { federation: [federated] },
      'warning',
      /AuthorizationPolicy shop\/wide also admits/,
    ],
    [
      'an own task that fails',
      { failures: [{ task: 'read the store', reason: 'busy', atMs: NOW - 60_000, count: 3 }] },
      'warning',
      /failed to read the store.*3 times, last 1m ago: busy/,
    ],
    [
      'metrics that are off although nobody switched them off',
      { monitoring: { at: undefined, problem: 'the port is taken' } },
      'warning',
      /metrics and health are off.*the port is taken/,
    ],
  ])('with %s is told so', (_, changes, level, message) => {
    const [finding, ...others] = judged(changes);
    expect(others).toEqual([]);
    expect(finding?.level).toBe(level);
    expect(`${finding?.what} ${finding?.evidence} ${finding?.action}`).toMatch(message);
    expect(finding?.action).toBeTruthy();
  });
});

describe('a sidecar', () => {
  const status = {
    identity: {
      ...{ id: 'spiffe://cluster.local/ns/a/sa/b', serial: 'ab', received: 1 },
      ...{ issuedAtMs: NOW - HOUR_MS, notBeforeMs: NOW - HOUR_MS, notAfterMs: NOW + 23 * HOUR_MS },
    },
    controlPlane: { phase: 'synced', sinceMs: NOW - 1_000 },
    clock: { skewMs: 2, uncertaintyMs: 1, measuredAtMs: NOW, jumps: 0, lastJump: undefined },
    renewal: { failures: 0, lastError: undefined },
    monitoring: { metrics: 'x', readiness: 'y', problems: [] },
    facts: { source: { from: 'control-plane', sinceMs: NOW }, services: 2 },
    spiffeSocket: { sds: { clients: [], acknowledged: 0, rejected: 0 }, registered: [] },
    recent: [],
  } as unknown as SidecarStatus;
  const notOk = (changes: object): readonly Finding[] =>
    sidecarFindings({ ...status, ...changes }, NOW).filter(({ level }) => level !== 'ok');

  it('is healthy when all is well', () => {
    expect(notOk({})).toEqual([]);
  });

  it.each<[string, object, Finding['level'], RegExp]>([
    [
      'an expired certificate',
      { identity: { ...status.identity, notAfterMs: NOW - 1 } },
      'problem',
      /expired/,
    ],
    [
      'a failed renewal',
      { renewal: { failures: 4, lastError: 'connection refused' } },
      'problem',
      /failed 4 times in a row.*connection refused/,
    ],
    [
      'a control plane that is away',
      {
        controlPlane: {
          ...{ phase: 'waiting', sinceMs: NOW - 60_000, retryAtMs: NOW, failures: 3 },
          lastError: 'cannot reach 10.0.0.5:15012',
        },
      },
      'problem',
      /cannot be reached.*for 1m, 3 attempts: cannot reach/,
    ],
    [
      'an Envoy that refuses a secret',
      {
        spiffeSocket: {
          ...status.spiffeSocket,
          sds: {
            ...{ acknowledged: 1, rejected: 1 },
            clients: [
              {
                ...{ node: 'edge', pid: 42, names: ['ROOTCA'] },
                rejection: { atMs: NOW, detail: 'unsupported validator' },
              },
            ],
          },
        },
      },
      'problem',
      /Envoy "edge" \(pid 42\) refuses ROOTCA.*unsupported validator/,
    ],
    [
      'a clock that was set',
      { clock: { ...status.clock, jumps: 1, lastJump: { atMs: NOW - 1_000, byMs: HOUR_MS } } },
      'warning',
      /1 times, last 1s ago by 1h/,
    ],
    [
      'facts of an earlier run',
      { facts: { services: 1, source: { from: 'disk', savedAtMs: NOW - HOUR_MS } } },
      'warning',
      /saved 1h ago/,
    ],
    [
      'failed handshakes',
      {
        recent: [
          { event: 'handshakeFailed', atMs: NOW, record: { reason: 'certificate ab expired' } },
        ],
      },
      'warning',
      /certificate ab expired/,
    ],
  ])('with %s is told so', (_, changes, level, message) => {
    const [finding, ...others] = notOk(changes);
    expect(others).toEqual([]);
    expect(finding?.level).toBe(level);
    expect(`${finding?.what} ${finding?.evidence}`).toMatch(message);
    expect(finding?.action).toBeTruthy();
  });
});

describe('the host', () => {
  it('must keep others out of the directory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hauberk-doctor-'));
    const levels = () =>
      Object.fromEntries(directoryFindings(directory).map(({ check, level }) => [check, level]));
    writeFileSync(join(directory, 'master.key'), 'x', { mode: 0o644 });
    expect(levels()['permissions']).toBe('ok');
    await chmod(directory, 0o755);
    const [finding] = directoryFindings(directory);
    expect(finding).toMatchObject({
      level: 'problem',
      action: expect.stringContaining('chmod 700'),
    });
    expect(finding?.evidence).toContain('master.key has mode 644');
    rmSync(directory, { recursive: true });
    expect(levels()['permissions']).toBe('unknown');
  });

  it('tells how many files a process may open', () => {
    expect(descriptorFinding(process.pid).evidence).toMatch(/^\d+ of \d+ in use$/);
    expect(descriptorFinding(2 ** 22 + 1).level).toBe('unknown');
  });
});

describe('the exit code', () => {
  const finding = (level: Finding['level']): Finding => ({
    check: 'x',
    level,
    what: '',
    evidence: '',
  });
  it.each([
    [[], 0],
    [['ok', 'warning'], 0],
    [['ok', 'unknown'], 3],
    [['unknown', 'problem'], 1],
  ] as const)('of %j is %i', (levels, code) => {
    expect(exitCodeFor(diagnosis('x', levels.map(finding)))).toBe(code);
  });
});
