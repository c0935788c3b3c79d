import type { Stage } from './stage.ts';

/** One thing that was looked at, with what was seen. */
export interface Check {
  readonly what: string;
  readonly passed: boolean;
  readonly seen: string;
}

export interface StepResult {
  readonly id: string;
  readonly title: string;
  readonly passed: boolean;
  readonly tookMs: number;
  /** What was done and seen, in lines for people. */
  readonly evidence: readonly string[];
  readonly checks: readonly Check[];
}

/** What a step writes down while it runs. */
export class Findings {
  readonly evidence: string[] = [];
  readonly checks: Check[] = [];

  note(line: string): void {
    this.evidence.push(line);
  }

  check(what: string, passed: boolean, seen: string): void {
    this.checks.push({ what, passed, seen });
  }
}

/** One numbered step of the demo. */
export interface Step {
  readonly id: string;
  readonly title: string;
  run(stage: Stage, findings: Findings): Promise<void>;
}

/** Runs a step; what it throws is a failed check, never the end of the demo. */
export async function runStep(step: Step, stage: Stage): Promise<StepResult> {
  const findings = new Findings();
  const startMs = performance.now();
  try {
    await step.run(stage, findings);
  } catch (error) {
    findings.check(
      'the step ran to its end',
      false,
      error instanceof Error ? error.message : String(error),
    );
  }
  const { evidence, checks } = findings;
  return {
    id: step.id,
    title: step.title,
    passed: checks.length > 0 && checks.every(({ passed }) => passed),
    tookMs: Math.round(performance.now() - startMs),
    evidence,
    checks,
  };
}
