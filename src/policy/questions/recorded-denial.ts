/** A request that a workload's proxy refused, as its access log has it. */
export interface RecordedDenial {
  /** `x-request-id`, the caller's own where it sent one. */
  readonly requestId: string;
  /** Identity of the caller without `spiffe://`; empty on plaintext. */
  readonly principal: string;
  readonly sourceIp: string;
  /** Port of the workload. */
  readonly port: number;
  readonly method: string;
  /** As it was judged, without the query. */
  readonly path: string;
  readonly host: string;
  /** Of the answer. */
  readonly status: number;
  /** Which policy and rule, in one line. */
  readonly decision: string;
  readonly atMs: number;
}

/** A denial with the workload that was called. */
export interface WorkloadDenial extends RecordedDenial {
  readonly namespace: string;
  readonly workload: string;
}
