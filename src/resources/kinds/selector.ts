import { type Static, Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import type { Report } from '../kind-definition.ts';
import type { Immutable } from '../resource.ts';
import { closed, mapOf } from '../schema.ts';

/** Istio's WorkloadSelector: every label listed must be on the workload; none listed means all. */
export const selectorSchema = closed(
  {
    matchLabels: Type.Optional(
      mapOf(
        Type.String({ maxLength: 63 }),
        'Labels that a workload must carry, each with exactly this value.',
        { maxProperties: 4096 },
      ),
    ),
  },
  'Which workloads of the namespace are meant; all of them where it is left out.',
);

/** Which workloads a policy is for. */
export type WorkloadSelector = Immutable<Static<typeof selectorSchema>>;

/** How many labels the selector asks for; 0 for a missing or empty one, which selects every workload. */
export function selectedLabelCount(selector: WorkloadSelector | undefined): number {
  return Object.keys(selector?.matchLabels ?? {}).length;
}

/** Istio's rules for a workload selector at `field`. */
export function checkSelector(
  selector: WorkloadSelector | undefined,
  field: string,
  report: Report,
): void {
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    const at = `${field}.matchLabels`;
    if (key === '') report(at, 'a label key must not be empty');
    if (key.includes('*'))
      report(
        fieldOf([key], at),
        `"${key}" has a wildcard; labels are compared as they are written`,
      );
    if (value.includes('*'))
      report(
        fieldOf([key], at),
        `"${value}" has a wildcard; labels are compared as they are written`,
      );
  }
}

/** What is allowed of a selector and hardly meant. */
export function warnOfSelector(
  selector: WorkloadSelector | undefined,
  field: string,
  report: Report,
): void {
  if (selector !== undefined && selectedLabelCount(selector) === 0) {
    report(
      field,
      'has no labels and therefore selects every workload; leave it out if that is meant',
    );
  }
}
