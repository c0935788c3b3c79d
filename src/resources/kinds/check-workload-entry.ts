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
}
