import type { ClientTlsBounds, OriginatedTls } from './effective-client-tls.ts';

/** One workload behind a service, and how it is to be called. */
export interface Endpoint {
  /** IP address or DNS name. */
  readonly address: string;
  /** Port of the workload, not of the service. */
  readonly port: number;
  /** SPIFFE ID (`spiffe://…`) of the workload; undefined when it has no account. */
  readonly identity: string | undefined;
  /** SPIFFE IDs one of which it must prove in mutual TLS of the mesh; empty: any of this mesh. */
  readonly expectedIds: readonly string[];
  readonly transport:
    | { readonly kind: 'hbone'; readonly port: number }
    | {
        readonly kind: 'istio-mtls';
        readonly sni: string;
        /** Undefined: those of the mesh. */
        readonly bounds?: ClientTlsBounds;
      }
    | { readonly kind: 'tls'; readonly tls: OriginatedTls }
    | { readonly kind: 'plaintext' };
  /** Whether no policy is known by which it takes mutual TLS only. */
  readonly takesPlaintext: boolean;
  /** Its share of the calls beside the others'. */
  readonly weight: number;
  /** `namespace/name` of its WorkloadEntry, or of the service that has it in its list. */
  readonly workload: string;
}
