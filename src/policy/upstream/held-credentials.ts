/** What a Secret or ConfigMap that a rule names by `credentialName` holds, in PEM. */
export interface Credential {
  readonly certificate: string | undefined;
  readonly privateKey: string | undefined;
  readonly authorities: string | undefined;
  readonly revocationList?: string | undefined;
}

/** What the control plane has said of a name. */
export type HeldCredential =
  | { readonly credential: Credential }
  /** In one sentence, without a secret. */
  | { readonly problem: string };

/** By the name that rules write. A name that is not in it has not been answered yet. */
export type HeldCredentials = ReadonlyMap<string, HeldCredential>;
