import { type Static, type TArray, type TOptional, Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import type { Report } from '../kind-definition.ts';
import type { Immutable } from '../resource.ts';
import {
  checkSelector,
  selectorSchema,
  type WorkloadSelector,
  warnOfSelector,
} from './selector.ts';
import { checkTargetReference, targetReferenceSchema } from './target-reference.ts';

/** The fields by which a policy of Istio's says what it is for; at most one is given. */
export const attachmentFields: {
  readonly selector: TOptional<typeof selectorSchema>;
  readonly targetRef: TOptional<typeof targetReferenceSchema>;
  readonly targetRefs: TOptional<TArray<typeof targetReferenceSchema>>;
} = {
  selector: Type.Optional(selectorSchema),
  targetRef: Type.Optional(targetReferenceSchema),
  targetRefs: Type.Optional(
    Type.Array(targetReferenceSchema, {
      maxItems: 16,
      description: 'Gateways or services that the policy is for; does not apply to sidecars.',
    }),
  ),
};

type TargetReference = Immutable<Static<typeof targetReferenceSchema>>;

/** What a policy says it is for. */
interface Attachment {
  readonly selector?: WorkloadSelector;
  readonly targetRef?: TargetReference;
  readonly targetRefs?: readonly TargetReference[];
}

/** Istio's rules for what a policy is for. */
export function checkAttachment(spec: Attachment, report: Report): void {
  const { selector, targetRef, targetRefs } = spec;
  const given = [selector, targetRef, targetRefs].filter((way) => way !== undefined);
  if (given.length > 1) {
    report('spec', 'only one of selector, targetRef and targetRefs can be set');
  }
  checkSelector(selector, 'spec.selector', report);
  if (targetRef !== undefined) checkTargetReference(targetRef, 'spec.targetRef', report);
  for (const [index, reference] of (targetRefs ?? []).entries()) {
    checkTargetReference(reference, fieldOf(['targetRefs', index], 'spec'), report);
  }
}

/** What of it is allowed and hardly meant. */
export function warnOfAttachment({ selector }: Attachment, report: Report): void {
  warnOfSelector(selector, 'spec.selector', report);
}
