import { fieldOf } from '../field-path.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { checkMetaSelector } from './meta-label-selector.ts';
import { clusterRoleSchema, type PolicyRule, roleSchema } from './rbac-schema.ts';

/** What may be done in a namespace. */
export type Role = ResourceOf<'Role', ReturnType<typeof roleSchema>>;
/** What may be done in any namespace, and outside of them. */
export type ClusterRole = ResourceOf<'ClusterRole', ReturnType<typeof clusterRoleSchema>>;

const common = {
  group: 'rbac.authorization.k8s.io',
  versions: ['v1'],
  shortNames: [],
  categories: [],
  nameForm: 'path',
  strategicMerge: true,
  visibility: 'never',
  confidential: false,
} as const;

const created = {
  name: 'Created At',
  type: 'string',
  jsonPath: '.metadata.creationTimestamp',
} as const;

/** Kubernetes' Role. */
export const role: KindDefinition<Role> = {
  ...common,
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  namespaced: true,
  description: 'What may be done in a namespace. A RoleBinding says by whom.',
  get schema() {
    return roleSchema();
  },
  columns: [created],
  validate: ({ rules = [] }, report) => checkRules(rules, { namespaced: true }, report),
};

/** Kubernetes' ClusterRole. */
export const clusterRole: KindDefinition<ClusterRole> = {
  ...common,
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  description:
    'What may be done in any namespace, and outside of them. RoleBindings and ClusterRoleBindings say where and by whom.',
  get schema() {
    return clusterRoleSchema();
  },
  columns: [created],
  validate: ({ rules = [], aggregationRule }, report) => {
    checkRules(rules, { namespaced: false }, report);
    if (aggregationRule === undefined) return;
    const { clusterRoleSelectors = [] } = aggregationRule;
    if (clusterRoleSelectors.length === 0) {
      report('aggregationRule.clusterRoleSelectors', 'must have at least one selector');
    }
    for (const [index, selector] of clusterRoleSelectors.entries()) {
      const field = fieldOf(['aggregationRule', 'clusterRoleSelectors', index]);
      checkMetaSelector(selector, field, report);
    }
  },
};

function checkRules(
  rules: readonly PolicyRule[],
  { namespaced }: { readonly namespaced: boolean },
  report: Report,
): void {
  for (const [index, rule] of rules.entries()) {
    const field = fieldOf(['rules', index]);
    const { verbs, nonResourceURLs = [] } = rule;
    if (verbs.length === 0) report(`${field}.verbs`, 'must have at least one verb');
    if (nonResourceURLs.length === 0) checkResources(rule, field, report);
    else if (namespaced) report(`${field}.nonResourceURLs`, 'is for ClusterRoles only');
    else if (namesResources(rule)) {
      report(`${field}.nonResourceURLs`, 'cannot be set together with resources');
    }
  }
}

function namesResources({ apiGroups = [], resources = [], resourceNames = [] }: PolicyRule) {
  return apiGroups.length + resources.length + resourceNames.length > 0;
}

function checkResources(
  { apiGroups = [], resources = [] }: PolicyRule,
  field: string,
  report: Report,
): void {
  if (apiGroups.length === 0) {
    report(`${field}.apiGroups`, 'must have at least one group; "" is the core group');
  }
  if (resources.length === 0) report(`${field}.resources`, 'must have at least one resource');
}
