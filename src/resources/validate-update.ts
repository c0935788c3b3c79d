import { type FieldProblem, MAX_PROBLEMS } from './field-problem.ts';
import type { KindDefinition } from './kind-definition.ts';
import type { Resource } from './resource.ts';

/**
 * What keeps `resource`, which is valid in itself and completed, from taking the place of `old`:
 * fields that its kind lets nobody change. `version` is the one that it was written in.
 */
export function validateUpdate(
  old: Resource,
  resource: Resource,
  { definition, version }: { readonly definition: KindDefinition; readonly version?: string },
): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  definition.validateUpdate?.(
    old,
    resource,
    (field, message) => {
      if (problems.length < MAX_PROBLEMS) problems.push({ field, message, reason: 'immutable' });
    },
    version,
  );
  return problems;
}
