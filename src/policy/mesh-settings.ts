/** What holds for the whole mesh and changes the meaning of policies. */
export interface MeshSettings {
  /** The trust domain of this mesh, `cluster.local` unless set. */
  readonly trustDomain: string;
  /** Other trust domains whose identities count as ours in policies. */
  readonly trustDomainAliases: readonly string[];
  /** The namespace whose policies are mesh-wide, `istio-system` unless set. */
  readonly rootNamespace: string;
}
