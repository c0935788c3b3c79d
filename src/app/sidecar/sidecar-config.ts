import type { FileSinkConfig } from '../../agent/files/file-sink.ts';
import type { IdentityEvents } from '../../agent/identity/identity-manager.ts';
import type { ControlPlaneAddress } from '../../agent/link/control-plane-address.ts';
import type { Address } from '../../proxy/address.ts';
import type { RunningProxy } from '../../proxy/proxy.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { AccessLogMode } from '../../telemetry/proxy-log.ts';
import type { CaptureConfig } from '../capture/capture-config.ts';
import type { SidecarMonitoringConfig } from './sidecar-monitoring.ts';

export interface SidecarConfig {
  readonly controlPlane: ControlPlaneAddress;
  /** Private directory: the facts of the last run, and the socket for status and takeover. */
  readonly stateDir: string;
  /** The enrolment token's text; not needed when a running sidecar is taken over. */
  readonly token: string | undefined;
  /** Name of the workload; undefined makes it `<service account>-<host name>`. */
  readonly name: string | undefined;
  readonly inbound: readonly {
    readonly name: string;
    readonly listen: Address;
    readonly app: Address;
  }[];
  readonly outbound: readonly { readonly listen: Address; readonly service: Address }[];
  readonly hbone: Address;
  /** Default: connections come to the listeners above only. */
  readonly capture?: CaptureConfig;
  /** Workers of the proxy; 0 for one per core. Default 1. */
  readonly concurrency?: number;
  /** Where peers reach this sidecar, when that is not where it listens. */
  readonly advertise: { readonly host: string | undefined; readonly hbonePort: number | undefined };
  /** How long open connections may go on after the sidecar was told to stop. */
  readonly drainTimeoutMs: number;
  /** Where the workload's own programs get its identity: SPIFFE Workload API and Envoy's SDS. */
  readonly spiffeSocket: {
    readonly path: string;
    readonly allowedUids: readonly number[];
    readonly ownUid: number;
    /** Whether processes that a WorkloadRegistration describes are given that identity. */
    readonly serveRegistered?: boolean;
  };
  /** Default: not watched. */
  readonly monitoring?: SidecarMonitoringConfig;
  /** Files with certificate and key, for programs that can read nothing else. Default: none. */
  readonly svidFiles?: FileSinkConfig | undefined;
  readonly rootNamespace: string;
  readonly accessLog: AccessLogMode;
  /** File descriptor of the log. Default 1, standard output. */
  readonly logDescriptor?: number;
  readonly hooks?: SidecarHooks;
}

/** Whom a sidecar tells how it starts. */
export interface SidecarHooks {
  /** Everything is there; once. */
  readonly ready?: (started: {
    readonly id: SpiffeId;
    readonly bound: RunningProxy['bound'];
  }) => void;
  /** No certificate could be had; another try is made. */
  readonly notEnrolled?: (reason: string) => void;
}

/** Passes on why there is no certificate yet. */
export function tellOfEnrolment({
  hooks,
}: SidecarConfig): Pick<IdentityEvents, 'svidIssued' | 'renewalFailed'> {
  return {
    svidIssued: () => undefined,
    renewalFailed: ({ reason }) => hooks?.notEnrolled?.(reason),
  };
}
