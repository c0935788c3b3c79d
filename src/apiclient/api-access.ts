/** Where an API server is and what proves to it who asks; from a kubeconfig. */
export interface ApiAccess {
  /** With https. */
  readonly server: URL;
  /** PEM; the machine's roots without it. */
  readonly ca: string | undefined;
  /** Who the server must be, where that is not the host of its URL. */
  readonly serverName: string | undefined;
  readonly credentials:
    | { readonly by: 'certificate'; readonly cert: string; readonly key: string }
    | { readonly by: 'token'; readonly token: string }
    | { readonly by: 'nothing' };
  /** Whom to act as. */
  readonly impersonate: { readonly user: string; readonly groups: readonly string[] } | undefined;
  /** For commands that name none. */
  readonly namespace: string | undefined;
  /** The file that says so, for messages. */
  readonly source: string;
}
