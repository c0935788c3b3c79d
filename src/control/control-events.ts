import type { MeshErrorCode } from '../lib/errors.ts';
import type { FallbackUse } from '../policy/fallback-use.ts';
import type { ResourceKey } from '../resources/resource.ts';

export interface CertificateIssued {
  readonly id: string;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The attestor that identified the caller. */
  readonly by: string;
  readonly peerAddress: string;
}

export interface CertificateRefused {
  readonly code: MeshErrorCode;
  readonly reason: string;
  /** Known when the caller was identified and its request was refused. */
  readonly id: string | undefined;
  readonly peerAddress: string;
}

export interface ResourceChange {
  readonly key: ResourceKey;
  readonly action: 'created' | 'configured' | 'unchanged' | 'deleted';
  readonly resourceVersion: string;
  /** The version that was there before; absent of what was not. */
  readonly fromVersion?: string | undefined;
}

export interface BackupEvent {
  readonly resources: number;
  /** Of the store that the backup was taken of. */
  readonly version: number;
  /** Who asked for it, where somebody did. */
  readonly actor?: string;
}

/**
 * `amend`: somebody is no longer waited for, or the old key turned out to be compromised; `give-up`: a
 * program behind an agent has been waited for long enough.
 */
export type AuthorityStep = 'prepare' | 'amend' | 'abort' | 'give-up' | 'activate' | 'retire';

export interface AuthorityRotated {
  readonly step: AuthorityStep;
  readonly role: 'root' | 'intermediate';
  readonly compromised: boolean;
  /** Who was not waited for. */
  readonly waived: readonly string[];
  readonly actor: string;
  /** Serials of the signing certificates. */
  readonly oldSerial: string;
  readonly newSerial: string;
  /** Who was given up, as `ca status` names it. */
  readonly client?: string;
  /** What that one lacked. */
  readonly lacks?: string;
}

/** What the control plane tells of itself. Telemetry listens; decisions never depend on it. */
export interface ControlEvents {
  certificateIssued(event: CertificateIssued): void;
  certificateRefused(event: CertificateRefused): void;
  certificateRevoked(event: {
    readonly serial: string;
    readonly id: string;
    readonly reason: string;
    readonly actor: string;
  }): void;
  tokenCreated(event: {
    readonly tokenId: string;
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly expiresAtMs: number;
    readonly actor: string;
  }): void;
  /** A signed token that anybody who has it may show to its audiences. */
  tokenIssued(event: {
    readonly type: 'service-account' | 'jwt-svid';
    /** Whose it is. */
    readonly subject: string;
    readonly audiences: readonly string[];
    readonly tokenId: string;
    readonly expiresAtMs: number;
    readonly actor: string;
  }): void;
  /** A used secret of a return ticket was shown again: the ticket is withdrawn, its certificates revoked. */
  ticketReused(event: { readonly ticketId: string; readonly serviceAccount: string }): void;
  /** A workload was answered what a rule names by `credentialName`: the credential, or why there is none. */
  credentialTold(event: {
    readonly id: string;
    readonly namespace: string;
    /** Of the Secret. */
    readonly name: string;
    /** The DestinationRule of that namespace that names it; undefined when none does for this workload. */
    readonly rule: string | undefined;
    /** Whether the private key was given with it. */
    readonly isShown: boolean;
    /** Undefined: it was given. */
    readonly problem: string | undefined;
  }): void;
  /** An agent told that a FallbackPolicy was used. */
  fallbackReported(event: {
    readonly id: string;
    /** `namespace/name`. */
    readonly workload: string;
    readonly use: FallbackUse;
  }): void;
  tokenKeysChanged(event: {
    readonly action: 'prepare' | 'activate' | 'retire' | 'replace' | 'none';
    readonly actor?: string;
  }): void;
  resourcesChanged(event: {
    readonly actor: string;
    /** What is known of the request, for the record. */
    readonly request?: Readonly<Record<string, string | undefined>>;
    readonly changes: readonly ResourceChange[];
  }): void;
  agentConnected(event: { readonly id: string; readonly workload: string }): void;
  agentDisconnected(event: { readonly id: string; readonly workload: string }): void;
  factsRejected(event: {
    readonly id: string;
    readonly type: string;
    readonly reason: string;
  }): void;
  /** A rotation of the authority came one step further. */
  authorityRotated(event: AuthorityRotated): void;
  /** The authorities of another trust domain, as they are believed from now on. */
  bundleReceived(event: {
    readonly trustDomain: string;
    readonly sequence: number;
    readonly authorities: number;
  }): void;
  /** The whole mesh, keys included, left under a passphrase. */
  backupTaken(event: BackupEvent): void;
  backupRestored(event: BackupEvent): void;
  /** Something of the control plane's own work failed and will be tried again. */
  taskFailed(event: {
    readonly task: string;
    readonly reason: string;
    /** The object that it was for, where it was for one. */
    readonly about?: ResourceKey;
  }): void;
}
