import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import type { Workload } from '../workload.ts';
import { attachedPolicies } from './attached-policy.ts';
import { Authorization } from './authorization.ts';

/**
 * Picks the policies that are attached to `workload` and compiles them. Done once per change;
 * nothing is parsed when a call comes.
 */
export function compileAuthorization(
  policies: readonly AuthorizationPolicy[],
  workload: Pick<Workload, 'namespace' | 'labels'>,
  settings: MeshSettings,
): Authorization {
  return new Authorization(attachedPolicies(policies, workload, settings), settings);
}
