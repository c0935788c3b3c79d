import type { AnsweredRequest } from '../../apiserver/api-listener.ts';
import type { MonitoringConfig } from './control-plane-monitoring.ts';
import type { FederationConfig } from './federation.ts';
import type { MasterKeySources } from './master-key.ts';
import type { AuthorityConfig } from './open-authority.ts';
import type { TokenConfig } from './token-authority.ts';

export interface ControlPlaneConfig extends AuthorityConfig, FederationConfig, MonitoringConfig {
  readonly dataDir: string;
  /** gRPC: certificates and facts. */
  readonly xds: { readonly host: string; readonly port: number };
  /** The Kubernetes-compatible API. */
  readonly api: {
    readonly host: string;
    readonly port: number;
    /** Told of every exchange. */
    readonly answered?: (exchange: AnsweredRequest) => void;
  };
  /** Default: a file in the data directory, made at the first start. */
  readonly masterKey?: MasterKeySources;
  readonly tokens?: TokenConfig;
  /**
   * Ranges of addresses that keys of RequestAuthentications may be fetched from although they are
   * blocked otherwise: loopback, link-local, metadata services.
   */
  readonly allowedKeyAddresses?: readonly string[] | undefined;
  /**
   * How long after the end of its certificate a workload may come back without a token, in
   * milliseconds; 0 = never. Default 72 hours.
   */
  readonly reenrolGraceMs?: number | undefined;
}

export interface ControlPlaneReady {
  readonly xdsPort: number;
  readonly apiPort: number;
  /** For kubectl, as administrator. */
  readonly kubeconfig: string;
  /** Where the own bundle is served to other trust domains, if it is. */
  readonly bundlePort: number | undefined;
  /** Where metrics and health are; undefined when off. */
  readonly monitoringAt: string | undefined;
  /** Why they are off although nobody switched them off. */
  readonly monitoringProblem: string | undefined;
  readonly rootFingerprint: string;
  /** What a request for no lifetime gets: as configured, or less where the chain ends before. */
  readonly svidLifetimeMs: number;
  /** Reads --ca-dir again, as SIGHUP asks for. */
  readonly reload: () => void;
  /** Where OpenID Connect discovery is served, if it is. */
  readonly oidcPort: number | undefined;
}
