import type { ExtensionProvider } from './extension-provider.ts';

/** What holds for the whole mesh and changes the meaning of policies. */
export interface MeshSettings {
  /** The trust domain of this mesh, `cluster.local` unless set. */
  readonly trustDomain: string;
  /** Other trust domains whose identities count as ours in policies. */
  readonly trustDomainAliases: readonly string[];
  /** The namespace whose policies are mesh-wide, `istio-system` unless set. */
  readonly rootNamespace: string;
  /** How many proxies before a workload's peer may be trusted with X-Forwarded-For. Default 0. */
  readonly numTrustedProxies?: number;
  /** Who can be asked by policies with action CUSTOM. */
  readonly extensionProviders?: readonly ExtensionProvider[];
}
