import { type Static, Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { list, textMap, texts } from '../fields.ts';
import type { Report } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import { labelKeyProblem, labelValueProblem } from '../names.ts';
import type { Immutable } from '../resource.ts';
import { closed } from '../schema.ts';
import { atomicList } from '../schema-annotations.ts';

const requirement = lazy(() =>
  closed(
    {
      key: Type.String({ description: 'Key of the label.' }),
      operator: Type.String({ description: 'In, NotIn, Exists or DoesNotExist.' }),
      values: texts('Values, for In and NotIn.', { ...atomicList() }),
    },
    'One condition.',
  ),
);

/** Kubernetes' LabelSelector: labels, and expressions over labels. */
export const metaLabelSelector = lazy(() =>
  closed(
    {
      matchLabels: textMap('Labels that must be carried, each with exactly this value.'),
      matchExpressions: list(requirement(), 'Conditions, all of which must hold.', {
        ...atomicList(),
      }),
    },
    'What is selected; everything where it is empty.',
  ),
);

type Requirement = Immutable<Static<ReturnType<typeof requirement>>>;
type Selector = Immutable<Static<ReturnType<typeof metaLabelSelector>>>;

/** Kubernetes' rules for a selector by labels and expressions at `field`. */
export function checkMetaSelector(
  selector: Selector | undefined,
  field: string,
  report: Report,
): void {
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    const problem = labelKeyProblem(key) ?? labelValueProblem(value);
    if (problem !== undefined) report(fieldOf(['matchLabels', key], field), problem);
  }
  for (const [index, condition] of (selector?.matchExpressions ?? []).entries()) {
    checkRequirement(condition, fieldOf(['matchExpressions', index], field), report);
  }
}

function checkRequirement(
  { key, operator, values = [] }: Requirement,
  field: string,
  report: Report,
): void {
  const problem = labelKeyProblem(key);
  if (problem !== undefined) report(`${field}.key`, problem);
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) report(`${field}.values`, `must not be empty with ${operator}`);
      return;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) report(`${field}.values`, `must be left out with ${operator}`);
      return;
    default:
      report(
        `${field}.operator`,
        `${quote(operator)} is not one of In, NotIn, Exists, DoesNotExist`,
      );
  }
}
