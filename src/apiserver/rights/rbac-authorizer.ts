import type { Resource } from '../../resources/resource.ts';
import type { Store } from '../../store/store.ts';
import { fieldIn, isJsonObject } from '../bodies/json-object.ts';
import { matchesLabelSelector } from '../label-selector-object.ts';
import type { Attributes, Authorizer, PolicyRule, Verdict } from './authorizer.ts';
import { parsePolicyRule, ruleAllows } from './policy-rule.ts';
import { MASTERS, serviceAccountOf, type UserInfo } from './user-info.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
const CLUSTER_ROLE = `ClusterRole.${RBAC_GROUP}`;
const ROLE = `Role.${RBAC_GROUP}`;
const CLUSTER_BINDING = `ClusterRoleBinding.${RBAC_GROUP}`;
const BINDING = `RoleBinding.${RBAC_GROUP}`;

const EVERYTHING: PolicyRule = {
  verbs: ['*'],
  apiGroups: ['*'],
  resources: ['*'],
  resourceNames: [],
  nonResourceURLs: ['*'],
};

/** Kubernetes' RBAC over the roles and bindings that are stored. */
export function rbacAuthorizer(store: Pick<Store, 'get' | 'list'>): Authorizer {
  async function* grants(user: UserInfo, namespace: string) {
    for (const binding of (await store.list(CLUSTER_BINDING)).items) {
      if (!bindsTo(binding, user)) continue;
      yield { binding, rules: await rulesOfRole(store, roleOf(binding)) };
    }
    if (namespace === '') return;
    for (const binding of (await store.list(BINDING, namespace)).items) {
      if (!bindsTo(binding, user)) continue;
      yield { binding, rules: await rulesOfRole(store, roleOf(binding, namespace)) };
    }
  }

  return {
    async authorize(user, attributes): Promise<Verdict> {
      if (user.groups.includes(MASTERS)) return { allowed: true, by: `group "${MASTERS}"` };
      const namespace = attributes.on === 'resource' ? attributes.namespace : '';
      for await (const { binding, rules } of grants(user, namespace)) {
        if (rules.some((rule) => ruleAllows(rule, attributes))) {
          return { allowed: true, by: grantText(binding, user) };
        }
      }
      return { allowed: false, reason: refusalText(user, attributes) };
    },

    async rulesOf(user, namespace) {
      if (user.groups.includes(MASTERS)) return [EVERYTHING];
      const found: PolicyRule[] = [];
      for await (const { rules } of grants(user, namespace)) found.push(...rules);
      return found;
    },
  };
}

/** Where the rules of a role are: a Role has a namespace, a ClusterRole has none. */
export interface RoleKey {
  readonly name: string;
  readonly namespace?: string;
}

function roleOf(binding: Resource, namespace?: string): RoleKey {
  const reference = binding['roleRef'];
  const name = String(fieldIn(reference, 'name') ?? '');
  const isRole = fieldIn(reference, 'kind') === 'Role' && namespace !== undefined;
  return isRole ? { name, namespace } : { name };
}

/** The rules of a role; of an aggregated ClusterRole those of all that its selectors take. */
export async function rulesOfRole(
  store: Pick<Store, 'get' | 'list'>,
  { name, namespace }: RoleKey,
): Promise<readonly PolicyRule[]> {
  const key =
    namespace === undefined ? { kind: CLUSTER_ROLE, name } : { kind: ROLE, namespace, name };
  const role = await store.get(key);
  if (role === undefined) return [];
  if (role['aggregationRule'] === undefined) return ownRules(role);
  return aggregatedRules(role, (await store.list(CLUSTER_ROLE)).items, new Set());
}

/** Aggregated roles may take aggregated roles; each counts once. */
function aggregatedRules(
  role: Resource,
  all: readonly Resource[],
  seen: Set<Resource>,
): readonly PolicyRule[] {
  if (seen.has(role)) return [];
  seen.add(role);
  const selectors = fieldIn(role['aggregationRule'], 'clusterRoleSelectors');
  if (!Array.isArray(selectors)) return ownRules(role);
  return all
    .filter(({ metadata }) =>
      selectors.some((selector) => matchesLabelSelector(selector, metadata.labels)),
    )
    .flatMap((other) => aggregatedRules(other, all, seen));
}

function ownRules(role: Resource): readonly PolicyRule[] {
  const rules = role['rules'];
  return Array.isArray(rules) ? rules.map(parsePolicyRule) : [];
}

function bindsTo(binding: Resource, user: UserInfo): boolean {
  const subjects = binding['subjects'];
  return Array.isArray(subjects) && subjects.some((subject) => isSubject(subject, binding, user));
}

function isSubject(subject: unknown, binding: Resource, user: UserInfo): boolean {
  if (!isJsonObject(subject)) return false;
  const { kind, name, namespace = binding.metadata.namespace } = subject;
  if (kind === 'User') return name === user.name;
  if (kind === 'Group') return typeof name === 'string' && user.groups.includes(name);
  const account = kind === 'ServiceAccount' ? serviceAccountOf(user.name) : undefined;
  return account !== undefined && account.name === name && account.namespace === namespace;
}

function grantText(binding: Resource, user: UserInfo): string {
  const { name, namespace } = binding.metadata;
  const named = namespace === undefined ? name : `${name}/${namespace}`;
  const reference = binding['roleRef'];
  return `RBAC: allowed by ${binding.kind} "${named}" of ${String(fieldIn(reference, 'kind'))} "${String(fieldIn(reference, 'name'))}" to User "${user.name}"`;
}

/** The second half of Kubernetes' sentence. */
export function refusalText(user: UserInfo, asked: Attributes): string {
  if (asked.on === 'path') return `User "${user.name}" cannot ${asked.verb} path "${asked.path}"`;
  const { verb, group, namespace, resource, subresource } = asked;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `User "${user.name}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`;
}
