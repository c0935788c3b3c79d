import type { Step } from '../step.ts';
import { authorization } from './authorization.ts';
import { enrolment } from './enrolment.ts';
import { outage } from './outage.ts';
import { plan } from './plan.ts';
import { request } from './request.ts';
import { rotation } from './rotation.ts';
import { strict } from './strict.ts';
import { wire } from './wire.ts';

/** The steps in the order in which they build on each other. */
export const allSteps: readonly Step[] = [
  enrolment,
  request,
  wire,
  strict,
  authorization,
  plan,
  rotation,
  outage,
];
