import type { Resource } from '../../resources/resource.ts';
import type { Store } from '../../store/store.ts';
import type { PolicyRule } from './authorizer.ts';
import { RBAC_GROUP, rulesOfRole } from './rbac-authorizer.ts';

/**
 * The resources as they are shown: an aggregated ClusterRole with the rules that it has by its
 * selectors, which are put together when they are asked for and never stored.
 */
export async function withAggregatedRules(
  resources: readonly Resource[],
  store: Pick<Store, 'get' | 'list'>,
): Promise<readonly Resource[]> {
  if (!resources.some(isAggregated)) return resources;
  return Promise.all(
    resources.map(async (role) => {
      if (!isAggregated(role)) return role;
      const rules = await rulesOfRole(store, { name: role.metadata.name });
      return { ...role, rules: rules.map(writtenRule) };
    }),
  );
}

function isAggregated({ apiVersion, kind, ...rest }: Resource): boolean {
  if (kind !== 'ClusterRole' || !apiVersion.startsWith(`${RBAC_GROUP}/`)) return false;
  return rest['aggregationRule'] !== undefined;
}

function writtenRule(rule: PolicyRule): object {
  return Object.fromEntries(Object.entries(rule).filter(([, texts]) => texts.length > 0));
}
