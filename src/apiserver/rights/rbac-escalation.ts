import type { Resource } from '../../resources/resource.ts';
import type { Store } from '../../store/store.ts';
import type { AdmissionCheck, WriteReview } from '../api-context.ts';
import { fieldIn } from '../bodies/json-object.ts';
import { forbidden } from '../status-error.ts';
import type { Authorizer, PolicyRule } from './authorizer.ts';
import { parsePolicyRule, ruleText, uncovered } from './policy-rule.ts';
import { RBAC_GROUP, rulesOfRole } from './rbac-authorizer.ts';

/**
 * Nobody can give rights that they do not have: neither by a role, unless they may `escalate` it, nor by a
 * binding, unless they may `bind` that role.
 */
export function rbacEscalation(
  store: Pick<Store, 'get' | 'list'>,
  authorizer: Authorizer,
): AdmissionCheck {
  return async (review) => {
    const { definition, deletion } = review;
    if (definition.group !== RBAC_GROUP || deletion) return [];
    const given = definition.kind.endsWith('Binding')
      ? await boundRules(review, { store, authorizer })
      : await ownRules(review, authorizer);
    if (given.length === 0) return [];
    const held = await authorizer.rulesOf(review.user, review.resource.metadata.namespace ?? '');
    const missing = uncovered(given, held);
    if (missing.length === 0) return [];
    const { name } = review.resource.metadata;
    throw forbidden(
      { group: definition.group, resource: definition.plural },
      name,
      `user ${JSON.stringify(review.user.name)} (groups=${JSON.stringify(review.user.groups)}) is attempting to grant RBAC permissions not currently held:\n${missing.slice(0, 20).map(ruleText).join('\n')}`,
    );
  };
}

async function ownRules(
  review: WriteReview,
  authorizer: Authorizer,
): Promise<readonly PolicyRule[]> {
  const { resource, live } = review;
  const rules = rulesIn(resource);
  const aggregates = resource['aggregationRule'] !== undefined;
  const unchanged =
    live !== undefined &&
    JSON.stringify([live['rules'], live['aggregationRule']]) ===
      JSON.stringify([resource['rules'], resource['aggregationRule']]);
  if (unchanged || (rules.length === 0 && !aggregates)) return [];
  if (await may(review, 'escalate', { authorizer, ...target(review) })) return [];
  // What an aggregated role will have is not known yet: who writes one must hold everything.
  return aggregates ? [...rules, EVERYTHING] : rules;
}

const EVERYTHING: PolicyRule = {
  verbs: ['*'],
  apiGroups: ['*'],
  resources: ['*'],
  resourceNames: [],
  nonResourceURLs: [],
};

async function boundRules(
  review: WriteReview,
  {
    store,
    authorizer,
  }: { readonly store: Pick<Store, 'get' | 'list'>; readonly authorizer: Authorizer },
): Promise<readonly PolicyRule[]> {
  const { resource, live } = review;
  const unchanged =
    live !== undefined &&
    JSON.stringify([live['subjects'], live['roleRef']]) ===
      JSON.stringify([resource['subjects'], resource['roleRef']]);
  if (unchanged) return [];
  const name = String(fieldIn(resource['roleRef'], 'name') ?? '');
  const isRole = fieldIn(resource['roleRef'], 'kind') === 'Role';
  const asked = { authorizer, resource: isRole ? 'roles' : 'clusterroles', name };
  if (await may(review, 'bind', asked)) return [];
  const { namespace } = resource.metadata;
  return rulesOfRole(store, isRole && namespace !== undefined ? { name, namespace } : { name });
}

function target({ definition, resource }: WriteReview): {
  readonly resource: string;
  readonly name: string;
} {
  return { resource: definition.plural, name: resource.metadata.name };
}

async function may(
  { user, resource: { metadata } }: WriteReview,
  verb: 'escalate' | 'bind',
  asked: { readonly authorizer: Authorizer; readonly resource: string; readonly name: string },
): Promise<boolean> {
  const verdict = await asked.authorizer.authorize(user, {
    on: 'resource',
    verb,
    group: RBAC_GROUP,
    resource: asked.resource,
    subresource: '',
    namespace: metadata.namespace ?? '',
    name: asked.name,
  });
  return verdict.allowed;
}

function rulesIn(role: Resource): readonly PolicyRule[] {
  const rules = role['rules'];
  return Array.isArray(rules) ? rules.map(parsePolicyRule) : [];
}
