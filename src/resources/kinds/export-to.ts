import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import type { Report } from '../kind-definition.ts';
import { nameProblem } from '../names.ts';

interface Exported {
  readonly exportTo: readonly string[] | undefined;
  readonly namespace: string | undefined;
  /** Whether `~`, nobody, is a choice. */
  readonly mayBeNobody: boolean;
}

/** Istio's rules for `spec.exportTo`. */
export function checkExportTo(
  { exportTo = [], namespace, mayBeNobody }: Exported,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const [index, target] of exportTo.entries()) {
    const field = fieldOf(['exportTo', index], 'spec');
    const meant = target === '.' ? (namespace ?? '.') : target;
    if (seen.has(meant)) report(field, `${quote(target)} is there already`);
    seen.add(meant);
    const problem = targetProblem(target, mayBeNobody);
    if (problem !== undefined) report(field, problem);
  }
  for (const alone of ['*', '~']) {
    if (exportTo.includes(alone) && exportTo.length > 1) {
      report('spec.exportTo', `${quote(alone)} must stand alone`);
    }
  }
}

function targetProblem(target: string, mayBeNobody: boolean): string | undefined {
  if (target === '.' || target === '*') return undefined;
  if (target === '~') {
    return mayBeNobody ? undefined : '"~" is not supported here; leave the resource out instead';
  }
  return nameProblem(target, 'label');
}
