import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../../test/kit/validated.ts';
import { validateUpdate } from '../validate-update.ts';
import { roleBinding } from './role-bindings.ts';

function rbac(kind: string, rest: string, name = 'a'): string {
  return `{apiVersion: rbac.authorization.k8s.io/v1, kind: ${kind}, metadata: {name: "${name}"}, ${rest}}`;
}
const rules = (kind: string, rule: string) => rbac(kind, `rules: [${rule}]`);
const binding = (subjects: string, role = '{kind: Role, name: r}') =>
  rbac('RoleBinding', `subjects: ${subjects}, roleRef: ${role}`);

it.each([
  rules('Role', '{verbs: [get], apiGroups: [""], resources: [pods/log], resourceNames: [a]}'),
  rules('ClusterRole', '{verbs: [get], nonResourceURLs: [/healthz]}'),
  rbac(
    'ClusterRole',
    'rules: null, aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}',
  ),
  rbac('ClusterRole', 'rules: []', 'system:discovery'),
  binding('[{kind: User, name: "jane@x"}, {kind: ServiceAccount, name: a, namespace: b}]'),
  rbac(
    'ClusterRoleBinding',
    'subjects: [{kind: Group, name: "system:masters"}], roleRef: {kind: ClusterRole, name: admin}',
  ),
])('takes %s', (yaml) => {
  expect(problemsOf(yaml)).toEqual([]);
});

it.each([
  [
    rules('Role', '{verbs: [], apiGroups: [""], resources: [a]}'),
    'rules[0].verbs: must have at least one verb',
  ],
  [
    rules('Role', '{verbs: [get], resources: [a]}'),
    'rules[0].apiGroups: must have at least one group; "" is the core group',
  ],
  [
    rules('Role', '{verbs: [get], apiGroups: [a]}'),
    'rules[0].resources: must have at least one resource',
  ],
  [
    rules('Role', '{verbs: [get], nonResourceURLs: [/]}'),
    'rules[0].nonResourceURLs: is for ClusterRoles only',
  ],
  [
    rules('ClusterRole', '{verbs: [get], nonResourceURLs: [/], resources: [a]}'),
    'rules[0].nonResourceURLs: cannot be set together with resources',
  ],
  [
    rbac('ClusterRole', 'aggregationRule: {}'),
    'aggregationRule.clusterRoleSelectors: must have at least one selector',
  ],
  [
    binding('[{kind: ServiceAccount, name: a}]'),
    'subjects[0].namespace: is required for a ServiceAccount, such as "default"',
  ],
  [
    binding('[{kind: Robot, name: a}]'),
    'subjects[0].kind: "Robot" is not one of User, Group, ServiceAccount',
  ],
  [binding('[{kind: User, name: ""}]'), 'subjects[0].name: must not be empty'],
  [binding('[]', '{kind: Rule, name: r}'), 'roleRef.kind: "Rule" is not one of Role, ClusterRole'],
  [
    rbac('ClusterRoleBinding', 'roleRef: {kind: Role, name: r}'),
    'roleRef.kind: "Role" is not one of ClusterRole',
  ],
])('refuses %s', (yaml, problem) => {
  expect(problemsOf(yaml)).toEqual([problem]);
});

it('knows the API group of users and groups', () => {
  expect(
    resourceOf(binding('[{kind: User, name: a}, {kind: ServiceAccount, name: a, namespace: b}]')),
  ).toMatchObject({
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }, { kind: 'ServiceAccount' }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io' },
  });
});

it('lets nobody turn a binding to another role', () => {
  const old = resourceOf(binding('[]'));
  const other = resourceOf(binding('[]', '{kind: ClusterRole, name: admin}'));
  expect(validateUpdate(old, old, { definition: roleBinding })).toEqual([]);
  expect(validateUpdate(old, other, { definition: roleBinding })).toMatchObject([
    { field: 'roleRef', reason: 'immutable' },
  ]);
});
