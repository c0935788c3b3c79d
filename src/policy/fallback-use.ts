/** Connections that went on without a valid certificate, for the same reason: what the mesh is told of them. */
export interface FallbackUse {
  /** `namespace/name` of the FallbackPolicy. */
  readonly policy: string;
  readonly mode: string;
  /** Whose certificate had run out. */
  readonly whose: 'own' | 'peer';
  /** SPIFFE ID in it. */
  readonly id: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** When it ran out. */
  readonly notAfterMs: number;
}

/** What tells uses of one kind from others; their counts are added up. */
export function fallbackKey({ policy, mode, whose, id }: FallbackUse): string {
  return JSON.stringify([policy, mode, whose, id]);
}

/** Two records of one kind as one. */
export function usesTogether(one: FallbackUse, other: FallbackUse): FallbackUse {
  const newer = other.lastMs >= one.lastMs ? other : one;
  return {
    ...newer,
    count: one.count + other.count,
    firstMs: Math.min(one.firstMs, other.firstMs),
  };
}

/** In one sentence, for people. */
export function describeFallback({ mode, whose, id, count, ...times }: FallbackUse): string {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const certificate = `${whose === 'own' ? 'its own certificate' : 'that of its peer'} (${id})`;
  const between =
    times.firstMs === times.lastMs
      ? `at ${iso(times.lastMs)}`
      : `between ${iso(times.firstMs)} and ${iso(times.lastMs)}`;
  return `went on by ${mode} ${count === 1 ? 'once' : `${count} times`} ${between}: ${certificate} ran out at ${iso(times.notAfterMs)}`;
}
