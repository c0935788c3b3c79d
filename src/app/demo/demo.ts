import { MeshError } from '../../lib/errors.ts';
import { Stage } from './stage.ts';
import { runStep, type StepResult } from './step.ts';
import { allSteps } from './steps/all-steps.ts';

export interface DemoListener {
  stepStarting(title: string, number: number): void;
  /** The whole mesh runs. */
  started(stage: Stage): void;
  stepEnded(result: StepResult, number: number): void;
}

/**
 * Starts the mesh of `examples/shop` and walks through the steps; the stage is left running for
 * the caller to close.
 *
 * @param environment of the child processes.
 */
export async function runDemo(
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
  listener: DemoListener,
): Promise<{ readonly stage: Stage; readonly results: readonly StepResult[] }> {
  const stage = await Stage.prepare(environment);
  try {
    await stage.start();
    listener.started(stage);
    const results: StepResult[] = [];
    for (const step of allSteps) {
      if (signal.aborted) throw new MeshError('ERR_UNREACHABLE', 'stopped before the last step');
      listener.stepStarting(step.title, results.length + 1);
      const result = await runStep(step, stage);
      results.push(result);
      listener.stepEnded(result, results.length);
    }
    return { stage, results };
  } catch (error) {
    await stage.close();
    throw error;
  }
}
