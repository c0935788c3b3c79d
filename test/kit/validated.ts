import { parse } from 'yaml';
import type { FieldProblem } from '../../src/resources/field-problem.ts';
import type { Resource } from '../../src/resources/resource.ts';
import { validateResource } from '../../src/resources/validate-resource.ts';

/** What is wrong with a resource given as YAML, each as `field: message`; empty when it is valid. */
export function problemsOf(yaml: string): readonly string[] {
  const checked = validateResource(parse(yaml));
  return 'problems' in checked ? checked.problems.map(text) : [];
}

/** What a valid resource given as YAML is warned of. */
export function warningsOf(yaml: string): readonly string[] {
  const checked = validateResource(parse(yaml));
  if ('problems' in checked) throw new Error(checked.problems.map(text).join('\n'));
  return checked.warnings.map(text);
}

/** A valid resource given as YAML, completed. */
export function resourceOf(yaml: string): Resource {
  const checked = validateResource(parse(yaml));
  if ('problems' in checked) throw new Error(checked.problems.map(text).join('\n'));
  return checked.resource;
}

function text({ field, message }: FieldProblem): string {
  return `${field}: ${message}`;
}
