/** Where the control plane's gRPC port is. */
export interface ControlPlaneAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, an IPv6 address in brackets. */
export function addressText({ host, port }: ControlPlaneAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
