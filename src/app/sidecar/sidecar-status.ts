import type { FactSource } from '../../agent/facts/fact-cache.ts';
import type { FileSinkStatus } from '../../agent/files/file-sink.ts';
import type { SdsStatus } from '../../agent/socket/sds-clients.ts';
import { type EffectiveFallback, effectiveFallback } from '../../policy/effective-fallback.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { HeldCredentials } from '../../policy/upstream/held-credentials.ts';
import type { Workload } from '../../policy/workload.ts';
import type { CaptureState } from '../../proxy/capture/capture-listeners.ts';
import type { ConnectionRecord } from '../../proxy/proxy-events.ts';
import type { WorkerStatus } from '../../proxy/workers/serving-proxy.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Activity, RecentActivity } from '../../telemetry/recent-activity.ts';
import { fingerprint } from '../../x509/certificate.ts';
import type { AdsState } from '../../xds/ads-client.ts';
import { type CredentialStatus, credentialStatus } from '../control-plane/credential-status.ts';
import type { RenewalStatus } from './identity-events.ts';
import type { RegisteredStatus } from './registered-workloads.ts';
import type { ClockStatus } from './sidecar-clock.ts';
import type { MonitoringStatus } from './sidecar-monitoring.ts';

/** What a sidecar tells its owner of itself. */
export interface SidecarStatus {
  readonly pid: number;
  readonly workload: Workload;
  readonly identity: {
    readonly id: string;
    readonly serial: string;
    readonly issuedAtMs: number;
    readonly notBeforeMs: number;
    readonly notAfterMs: number;
    /** Certificates received since the process started, the first included. */
    readonly received: number;
    /** Serial of the certificate that signed it. */
    readonly issuerSerial: string;
    /** SHA-256 of the roots that are trusted, in hex. */
    readonly roots: readonly string[];
  };
  readonly controlPlane: AdsState;
  readonly clock: ClockStatus;
  /** Failures to get a certificate since the last that was received. */
  readonly renewal: RenewalStatus;
  readonly monitoring: MonitoringStatus;
  readonly facts: {
    readonly source: FactSource;
    /** Policies by kind: `PeerAuthentication shop/default`. */
    readonly policies: readonly string[];
    readonly services: number;
    readonly workloadEntries: number;
  };
  /** Who uses the identity through the SPIFFE socket, and what was refused. */
  readonly spiffeSocket: {
    readonly path: string;
    readonly sds: SdsStatus;
    /** Empty without `--serve-registered`. */
    readonly registered: readonly RegisteredStatus[];
  };
  /** Undefined without `--svid-files`. */
  readonly svidFiles: FileSinkStatus | undefined;
  /** What rules name by `credentialName`. */
  readonly credentials: readonly CredentialStatus[];
  readonly connections: readonly ConnectionRecord[];
  /** What the kernel's rules do with the proxy's own connections, and what was asked by DNS. */
  readonly capture: CaptureState;
  /** The proxy's threads; empty when it is in the agent's own. */
  readonly workers: readonly WorkerStatus[];
  readonly recent: readonly Activity[];
  readonly totals: RecentActivity['totals'];
  readonly rssBytes: number;
  /** Workload ports on which clients wait for the server to speak first, as connections have shown. */
  readonly serverFirstPorts: readonly { readonly port: number; readonly sinceMs: number }[];
  /** What happens without a valid certificate, by which FallbackPolicy, and how often it has. */
  readonly fallback: EffectiveFallback & { readonly used: number };
}

export interface StatusParts {
  readonly workload: Workload;
  readonly identity: Identity;
  readonly received: number;
  readonly controlPlane: AdsState;
  readonly clock: ClockStatus;
  readonly renewal: RenewalStatus;
  readonly monitoring: MonitoringStatus;
  readonly facts: MeshFacts;
  readonly source: FactSource;
  readonly spiffeSocket: SidecarStatus['spiffeSocket'];
  readonly svidFiles: SidecarStatus['svidFiles'];
  readonly credentials: HeldCredentials;
  readonly connections: readonly ConnectionRecord[];
  readonly capture: CaptureState;
  readonly workers: readonly WorkerStatus[];
  readonly activity: RecentActivity;
  readonly rootNamespace: string;
}

export function sidecarStatus(parts: StatusParts): SidecarStatus {
  const { identity, facts, activity } = parts;
  const [leaf, issuer] = identity.svid.chain;
  return {
    pid: process.pid,
    workload: parts.workload,
    identity: {
      id: identity.svid.id.toString(),
      serial: leaf?.serial ?? '',
      issuedAtMs: identity.issuedAtMs,
      notBeforeMs: leaf?.notBeforeMs ?? 0,
      notAfterMs: leaf?.notAfterMs ?? 0,
      received: parts.received,
      issuerSerial: issuer?.serial ?? '',
      roots: identity.bundle.x509Authorities.map(fingerprint),
    },
    controlPlane: parts.controlPlane,
    ...{ clock: parts.clock, renewal: parts.renewal, monitoring: parts.monitoring },
    facts: {
      source: parts.source,
      policies: [...facts.peerAuthentications, ...facts.authorizationPolicies].map(
        ({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`,
      ),
      services: facts.services.length,
      workloadEntries: facts.workloadEntries.length,
    },
    spiffeSocket: parts.spiffeSocket,
    svidFiles: parts.svidFiles,
    credentials: credentialStatus(parts.credentials),
    ...{ connections: parts.connections, workers: parts.workers, capture: parts.capture },
    recent: activity.list(),
    totals: activity.totals,
    rssBytes: process.memoryUsage.rss(),
    serverFirstPorts: [...activity.serverFirst].map(([port, sinceMs]) => ({ port, sinceMs })),
    fallback: {
      ...effectiveFallback(facts.fallbackPolicies, parts.workload, parts),
      used: activity.totals.fallbackUsed,
    },
  };
}
