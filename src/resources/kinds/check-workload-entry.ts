import { messageOf } from '../../lib/errors.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { annotations } from '../annotations.ts';
import { fieldOf } from '../field-path.ts';
import type { Report } from '../kind-definition.ts';
import { portTextProblem } from '../port-text.ts';
import type { ObjectMeta } from '../resource.ts';
import { checkEndpoint } from './check-endpoint.ts';

interface WorkloadEntry {
  readonly metadata: ObjectMeta;
  readonly spec: Parameters<typeof checkEndpoint>[0];
}

/** Reports what Istio refuses of a WorkloadEntry beyond its schema, and an HBONE port that is none. */
export function checkWorkloadEntry({ metadata, spec }: WorkloadEntry, report: Report): void {
  checkEndpoint(spec, { field: 'spec' }, report);
  const hbonePort = metadata.annotations?.[annotations.hbonePort];
  const hbone = hbonePort === undefined ? undefined : portTextProblem(hbonePort);
  if (hbone !== undefined) {
    report(fieldOf(['metadata', 'annotations', annotations.hbonePort]), hbone);
  }
  checkTrustDomain(metadata, spec, report);
}

function checkTrustDomain(
  { annotations: notes }: ObjectMeta,
  { serviceAccount = '' }: WorkloadEntry['spec'],
  report: Report,
): void {
  const trustDomain = notes?.[annotations.trustDomain];
  if (trustDomain === undefined) return;
  const field = fieldOf(['metadata', 'annotations', annotations.trustDomain]);
  try {
    if (TrustDomain.parse(trustDomain).name !== trustDomain) report(field, 'is a bare name');
  } catch (error) {
    report(field, messageOf(error));
  }
  if (serviceAccount === '') {
    report('spec.serviceAccount', `is required with the annotation ${annotations.trustDomain}`);
  }
}
