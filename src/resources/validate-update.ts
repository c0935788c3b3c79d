import { type FieldProblem, MAX_PROBLEMS, type ProblemReason } from './field-problem.ts';
import type { KindDefinition, Report } from './kind-definition.ts';
import type { Resource } from './resource.ts';

interface Kind {
  readonly definition: KindDefinition;
  /** The one that the resource was written in. */
  readonly version?: string;
}

/**
 * What keeps `resource`, which is valid in itself and completed, from taking the place of `old`:
 * fields that its kind lets nobody change.
 */
export function validateUpdate(
  old: Resource,
  resource: Resource,
  { definition, version }: Kind,
): readonly FieldProblem[] {
  return collected('immutable', (report) =>
    definition.validateUpdate?.(old, resource, report, version),
  );
}

/** What keeps `resource`, which is valid in itself and completed, from coming into being. */
export function validateCreate(
  resource: Resource,
  { definition, version }: Kind,
): readonly FieldProblem[] {
  return collected(undefined, (report) => definition.validateCreate?.(resource, report, version));
}

function collected(
  usual: ProblemReason | undefined,
  check: (report: Report) => void,
): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  check((field, message, given) => {
    const reason = given ?? usual;
    if (problems.length >= MAX_PROBLEMS) return;
    problems.push({ field, message, ...(reason === undefined ? {} : { reason }) });
  });
  return problems;
}
