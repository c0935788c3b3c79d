import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import type { Column, KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { nameProblem } from '../names.ts';
import { sameJson } from '../same-json.ts';
import { ageColumn } from './columns.ts';
import { bindingSchema } from './rbac-schema.ts';

/** Who may do, in a namespace, what a role says. */
export type RoleBinding = ResourceOf<'RoleBinding', ReturnType<typeof bindingSchema>>;
/** Who may do, everywhere, what a ClusterRole says. */
export type ClusterRoleBinding = ResourceOf<'ClusterRoleBinding', ReturnType<typeof bindingSchema>>;

type Binding = Pick<RoleBinding, 'metadata' | 'subjects' | 'roleRef'>;
type Subject = NonNullable<Binding['subjects']>[number];

const GROUP = 'rbac.authorization.k8s.io';

const columns: readonly Column[] = [
  {
    name: 'Role',
    type: 'string',
    jsonPath: '.roleRef.name',
    cell: (resource) => {
      const { kind, name } = (resource as RoleBinding).roleRef;
      return `${kind}/${name}`;
    },
  },
  ageColumn,
  subjectColumn('Users', 'User'),
  subjectColumn('Groups', 'Group'),
  subjectColumn('ServiceAccounts', 'ServiceAccount'),
];

const common = {
  group: GROUP,
  versions: ['v1'],
  shortNames: [],
  categories: [],
  nameForm: 'path',
  columns,
  strategicMerge: true,
  visibility: 'never',
  confidential: false,
} as const;

/** Kubernetes' RoleBinding. */
export const roleBinding: KindDefinition<RoleBinding> = {
  ...common,
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  namespaced: true,
  description: 'Says who may do, in its namespace, what a Role or ClusterRole lists.',
  get schema() {
    return bindingSchema();
  },
  complete: withGroups,
  validate: (binding, report) => checkBinding(binding, ['Role', 'ClusterRole'], report),
  validateUpdate: checkRoleKept,
};

/** Kubernetes' ClusterRoleBinding. */
export const clusterRoleBinding: KindDefinition<ClusterRoleBinding> = {
  ...common,
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  namespaced: false,
  description: 'Says who may do, everywhere, what a ClusterRole lists.',
  get schema() {
    return bindingSchema();
  },
  complete: withGroups,
  validate: (binding, report) => checkBinding(binding, ['ClusterRole'], report),
  validateUpdate: checkRoleKept,
};

/** Users and groups are of RBAC's own API group, accounts of the core one. */
function withGroups<T extends Binding>(binding: T): T {
  if (binding.subjects === undefined) return binding;
  const subjects = binding.subjects.map((subject) => {
    const { kind, apiGroup = '' } = subject;
    if (apiGroup !== '' || (kind !== 'User' && kind !== 'Group')) return subject;
    return { ...subject, apiGroup: GROUP };
  });
  return { ...binding, subjects };
}

function checkBinding(
  { subjects = [], roleRef, metadata }: Binding,
  kinds: readonly string[],
  report: Report,
): void {
  if (roleRef.apiGroup !== GROUP) report('roleRef.apiGroup', `must be ${GROUP}`);
  if (!kinds.includes(roleRef.kind)) {
    report('roleRef.kind', `${quote(roleRef.kind)} is not one of ${kinds.join(', ')}`);
  }
  const problem = nameProblem(roleRef.name, 'path');
  if (problem !== undefined) report('roleRef.name', problem);
  for (const [index, subject] of subjects.entries()) {
    checkSubject(subject, { field: fieldOf(['subjects', index]), own: metadata.namespace }, report);
  }
}

function checkSubject(
  subject: Subject,
  { field, own }: { readonly field: string; readonly own: string | undefined },
  report: Report,
): void {
  const { kind, apiGroup = '', name } = subject;
  if (name === '') report(`${field}.name`, 'must not be empty');
  switch (kind) {
    case 'ServiceAccount':
      checkAccount(subject, { field, own }, report);
      return;
    case 'User':
    case 'Group':
      if (apiGroup !== GROUP) report(`${field}.apiGroup`, `must be ${GROUP} for a ${kind}`);
      return;
    default:
      report(`${field}.kind`, `${quote(kind)} is not one of User, Group, ServiceAccount`);
  }
}

function checkAccount(
  { apiGroup = '', name, namespace = '' }: Subject,
  { field, own }: { readonly field: string; readonly own: string | undefined },
  report: Report,
): void {
  const problem = name === '' ? undefined : nameProblem(name, 'subdomain');
  if (problem !== undefined) report(`${field}.name`, problem);
  if (apiGroup !== '') report(`${field}.apiGroup`, 'must be empty for a ServiceAccount');
  if (namespace === '') {
    const hint = own === undefined ? '' : `, such as ${quote(own)}`;
    report(`${field}.namespace`, `is required for a ServiceAccount${hint}`);
  }
}

function checkRoleKept(old: Binding, { roleRef }: Binding, report: Report): void {
  if (!sameJson(old.roleRef, roleRef)) {
    report('roleRef', 'cannot be changed; delete the binding and make another');
  }
}

function subjectColumn(name: string, kind: string): Column {
  return {
    name,
    type: 'string',
    priority: 1,
    jsonPath: '.subjects',
    cell: (resource) =>
      ((resource as RoleBinding).subjects ?? [])
        .filter((subject) => subject.kind === kind)
        .map((subject) =>
          subject.namespace === undefined ? subject.name : `${subject.namespace}/${subject.name}`,
        )
        .join(', '),
  };
}
