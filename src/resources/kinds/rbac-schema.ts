import { type Static, Type } from 'typebox';
import { atomicTexts, list, text } from '../fields.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed } from '../schema.ts';
import { atomicList } from '../schema-annotations.ts';
import { metaLabelSelector } from './meta-label-selector.ts';

/** Kubernetes' PolicyRule: which verbs on what. */
export const policyRule = lazy(() =>
  closed(
    {
      verbs: Type.Array(Type.String(), {
        description: 'What may be done, `*` for anything.',
        ...atomicList(),
      }),
      apiGroups: atomicTexts('API groups, `""` for the core group, `*` for all.'),
      resources: atomicTexts('Resources in the plural, `pods/log` for subresources, `*` for all.'),
      resourceNames: atomicTexts('Names, where not all are meant.'),
      nonResourceURLs: atomicTexts('Paths such as `/healthz`, `*` at the end for all below.'),
    },
    'Something that may be done.',
  ),
);

/** The schema of a Role below its metadata. */
export const roleSchema = lazy(() =>
  Type.Object(
    { rules: list(policyRule(), 'What may be done.', { ...atomicList() }) },
    { additionalProperties: false },
  ),
);

/** The schema of a ClusterRole below its metadata. */
export const clusterRoleSchema = lazy(() =>
  Type.Object(
    {
      rules: list(policyRule(), 'What may be done.', { ...atomicList() }),
      aggregationRule: Type.Optional(
        closed(
          {
            clusterRoleSelectors: list(metaLabelSelector(), 'Which.', { ...atomicList() }),
          },
          'ClusterRoles whose rules this one gets.',
        ),
      ),
    },
    { additionalProperties: false },
  ),
);

/** The schema of a RoleBinding and of a ClusterRoleBinding below their metadata. */
export const bindingSchema = lazy(() =>
  Type.Object(
    {
      subjects: list(
        closed(
          {
            kind: Type.String({ description: 'User, Group or ServiceAccount.' }),
            apiGroup: text('rbac.authorization.k8s.io for users and groups, else empty.'),
            name: Type.String({ description: 'Who.' }),
            namespace: text('Namespace of a ServiceAccount.'),
          },
          'One of those.',
        ),
        'Who may do it.',
        { ...atomicList() },
      ),
      roleRef: Type.Object(
        {
          apiGroup: Type.String({
            default: 'rbac.authorization.k8s.io',
            description: 'Group of the role.',
          }),
          kind: Type.String({ description: 'Role or ClusterRole.' }),
          name: Type.String({ description: 'Its name.' }),
        },
        {
          additionalProperties: false,
          'x-kubernetes-map-type': 'atomic',
          description: 'What they may do; never changes.',
        },
      ),
    },
    { additionalProperties: false },
  ),
);

/** Something that may be done. */
export type PolicyRule = Immutable<Static<ReturnType<typeof policyRule>>>;
