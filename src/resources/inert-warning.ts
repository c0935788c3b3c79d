import type { FieldProblem } from './field-problem.ts';
import type { KindDefinition } from './kind-definition.ts';

/**
 * What everybody who writes such a resource must be told: that nothing acts on it. Who writes a rule
 * believes that it protects something. Undefined for kinds that do what they say.
 */
export function inertWarning({ kind, inert }: KindDefinition): FieldProblem | undefined {
  if (inert !== true) return undefined;
  return {
    field: '',
    message: `${kind} is stored and shown, but nothing in the mesh acts on it yet`,
  };
}
