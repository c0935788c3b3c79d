import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { authorizationPolicySchema } from './authorization-policy-schema.ts';
import { checkAuthorization, warnOfAuthorization } from './check-authorization.ts';

/** Which calls of a workload are allowed, denied, audited, or decided by somebody else. */
export type AuthorizationPolicy = ResourceOf<
  'AuthorizationPolicy',
  typeof authorizationPolicySchema
>;

/** Istio's AuthorizationPolicy, all of it; what its HTTP fields mean on a plain connection is policy's to say. */
export const authorizationPolicy: KindDefinition<AuthorizationPolicy> = {
  group: 'security.istio.io',
  versions: ['v1', 'v1beta1'],
  kind: 'AuthorizationPolicy',
  plural: 'authorizationpolicies',
  singular: 'authorizationpolicy',
  shortNames: ['ap'],
  categories: ['istio-io', 'security-istio-io'],
  namespaced: true,
  description:
    'Says who may call the workloads of a namespace, or those that a selector picks: DENY before ALLOW, and nobody whom no ALLOW policy matches once there is one.',
  schema: authorizationPolicySchema,
  validate: checkAuthorization,
  warn: warnOfAuthorization,
  columns: [
    { name: 'Action', type: 'string', jsonPath: '.spec.action' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  visibility: 'own-and-root',
  subresources: { status: true },
  confidential: false,
};
