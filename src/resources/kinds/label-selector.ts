import { Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import type { Report } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import { closed, mapOf } from '../schema.ts';

/** The networking kinds' WorkloadSelector, whose labels are called `labels`. */
export const labelSelectorSchema = lazy(() =>
  closed(
    {
      labels: Type.Optional(
        mapOf(
          Type.String({ maxLength: 63 }),
          'Labels that a workload must carry, each with exactly this value.',
          { maxProperties: 256 },
        ),
      ),
    },
    'Which workloads of the namespace are meant.',
  ),
);

interface LabelSelector {
  readonly labels?: Readonly<Record<string, string>>;
}

/** Istio's rules for such a selector at `field`. */
export function checkLabelSelector(
  selector: LabelSelector | undefined,
  field: string,
  report: Report,
): void {
  for (const [key, value] of Object.entries(selector?.labels ?? {})) {
    const at = fieldOf(['labels', key], field);
    if (key === '') report(`${field}.labels`, 'a label key must not be empty');
    for (const text of [key, value]) {
      if (text.includes('*'))
        report(at, `${quote(text)} has a wildcard; labels are compared as they are written`);
    }
  }
}

/** What of it is allowed and hardly meant. */
export function warnOfLabelSelector(
  selector: LabelSelector | undefined,
  field: string,
  report: Report,
): void {
  if (selector !== undefined && Object.keys(selector.labels ?? {}).length === 0) {
    report(
      field,
      'has no labels and therefore selects every workload; leave it out if that is meant',
    );
  }
}
