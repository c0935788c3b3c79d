/** What a check came to. */
export type FindingLevel =
  | 'ok'
  /** Works, and should be looked at. */
  | 'warning'
  /** Does not work, or soon will not. */
  | 'problem'
  /** Could not be found out. */
  | 'unknown';

/** One thing that was checked. */
export interface Finding {
  /** Stable, for programs: `clock-skew`. */
  readonly check: string;
  readonly level: FindingLevel;
  /** What is the matter, or that nothing is. */
  readonly what: string;
  /** What was seen. */
  readonly evidence: string;
  /** What to do; absent when all is well. */
  readonly action?: string;
}

/** The whole answer. */
export interface Diagnosis {
  /** What was examined: `control plane on "…"`. */
  readonly subject: string;
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

export function ok(check: string, what: string, evidence: string): Finding {
  return { check, level: 'ok', what, evidence };
}

/** Healthy is who has no problem; of what could not be found out nothing is said by it. */
export function diagnosis(subject: string, findings: readonly Finding[]): Diagnosis {
  return { subject, healthy: findings.every(({ level }) => level !== 'problem'), findings };
}

/** 0 when all is well (warnings are no "no"), 1 for a problem, 3 when something could not be found out. */
export function exitCodeFor({ findings }: Diagnosis): 0 | 1 | 3 {
  if (findings.some(({ level }) => level === 'problem')) return 1;
  return findings.some(({ level }) => level === 'unknown') ? 3 : 0;
}
