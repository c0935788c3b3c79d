import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import { selects } from '../label-selector.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { oldestFirst } from '../oldest-first.ts';
import type { Workload } from '../workload.ts';
import { mostSpecificHost, resolveRuleHost } from './destination-host.ts';

type Spec = DestinationRule['spec'];
export type Subset = NonNullable<Spec['subsets']>[number];

/** What the rules of one namespace say together of one host. */
export interface MergedRule {
  readonly namespace: string;
  /** The rules that it was merged of, the first of them first. */
  readonly names: readonly string[];
  readonly trafficPolicy: Spec['trafficPolicy'];
  /** The rule that the traffic policy is of. */
  readonly policyOf: string;
  /** The workloads of its namespace that it is for; undefined: all who may see it. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** Each with the rule that it is of. */
  readonly subsets: ReadonlyMap<string, { readonly subset: Subset; readonly of: string }>;
}

interface Consolidated extends MergedRule {
  readonly exportTo: ReadonlySet<string>;
}

/** Who asks, and for which service. */
export interface RuleQuestion {
  readonly client: Pick<Workload, 'namespace' | 'labels'>;
  /** The whole name of the service. */
  readonly host: string;
  /** The namespace of the service. */
  readonly serviceNamespace: string;
}

/**
 * The DestinationRule that holds for a client and a service (istio-semantics 2.2 and 2.3): that of the
 * client's namespace, else of the service's, else of the root namespace. The first namespace that has
 * one for the host ends the search, even if its rule is for other workloads; nothing is merged across
 * namespaces.
 */
export function destinationRuleFor(
  rules: readonly DestinationRule[],
  { client, host, serviceNamespace }: RuleQuestion,
  settings: Pick<MeshSettings, 'rootNamespace' | 'defaultDestinationRuleExportTo'>,
): MergedRule | undefined {
  const { rootNamespace } = settings;
  const local = (rule: DestinationRule): boolean =>
    client.namespace === rootNamespace ? isPrivate(rule, settings) : isVisibleAtHome(rule);
  const own = consolidated(rules, { namespace: client.namespace, host, counts: local });
  if (own !== undefined) return pick(own, client);
  for (const namespace of [serviceNamespace, rootNamespace]) {
    // the host is chosen among rules that are exported to anybody, then it is asked to whom
    const exported = consolidated(rules, {
      ...{ namespace, host },
      counts: (rule) => !isPrivate(rule, settings),
    })?.filter(({ exportTo }) => isFor(client.namespace, exportTo));
    if (exported !== undefined && exported.length > 0) return pick(exported, client);
  }
  return undefined;
}

interface Search {
  readonly namespace: string;
  readonly host: string;
  readonly counts: (rule: DestinationRule) => boolean;
}

/** The rules of a namespace for the most specific host that means `host`, merged as far as they may be. */
function consolidated(
  rules: readonly DestinationRule[],
  { namespace, host, counts }: Search,
): readonly Consolidated[] | undefined {
  const byHost = new Map<string, DestinationRule[]>();
  for (const rule of rules) {
    if (rule.metadata.namespace !== namespace || !counts(rule)) continue;
    byHost.getOrInsertComputed(resolveRuleHost(rule.spec.host, namespace), () => []).push(rule);
  }
  const meant = mostSpecificHost(host, byHost.keys());
  if (meant === undefined) return undefined;
  const merged: Consolidated[] = [];
  for (const rule of (byHost.get(meant) ?? []).toSorted(selectorFirst)) {
    const next = consolidatedOf(rule);
    const at = merged.findIndex((each) => mergeable(each, next));
    const before = merged[at];
    if (before === undefined) merged.push(next);
    else merged[at] = mergedOf(before, next);
  }
  return merged;
}

function consolidatedOf({ metadata, spec }: DestinationRule): Consolidated {
  const { name, namespace = '' } = metadata;
  const subsets = (spec.subsets ?? []).map(
    (subset) => [subset.name, { subset, of: name }] as const,
  );
  return {
    ...{ namespace, names: [name], trafficPolicy: spec.trafficPolicy, policyOf: name },
    // the first definition of a name counts
    subsets: new Map(subsets.toReversed()),
    selector: spec.workloadSelector && (spec.workloadSelector.matchLabels ?? {}),
    exportTo: exportToOf(spec),
  };
}

function mergedOf(older: Consolidated, younger: Consolidated): Consolidated {
  const takesPolicy = older.trafficPolicy === undefined;
  return {
    ...older,
    names: [...older.names, ...younger.names],
    trafficPolicy: takesPolicy ? younger.trafficPolicy : older.trafficPolicy,
    policyOf: takesPolicy ? younger.policyOf : older.policyOf,
    subsets: new Map([...younger.subsets, ...older.subsets]),
  };
}

function mergeable(one: Consolidated, other: Consolidated): boolean {
  return (
    sameLabels(one.selector, other.selector) &&
    one.exportTo.symmetricDifference(other.exportTo).size === 0
  );
}

/** The first that selects the client, else the youngest for all. */
function pick(
  merged: readonly Consolidated[],
  client: RuleQuestion['client'],
): MergedRule | undefined {
  const selecting = merged.find(
    ({ selector, namespace }) =>
      selector !== undefined && namespace === client.namespace && selects(selector, client.labels),
  );
  return selecting ?? merged.findLast(({ selector }) => selector === undefined);
}

function selectorFirst(a: DestinationRule, b: DestinationRule): number {
  const [ofA, ofB] = [a, b].map(({ spec }) => (spec.workloadSelector === undefined ? 1 : 0));
  return (ofA ?? 0) - (ofB ?? 0) || oldestFirst(a, b);
}

function exportToOf({ exportTo = [], workloadSelector }: Spec): ReadonlySet<string> {
  return new Set(workloadSelector === undefined ? exportTo : ['.']);
}

function isVisibleAtHome({ metadata, spec }: DestinationRule): boolean {
  const exportTo = exportToOf(spec);
  const { namespace = '' } = metadata;
  return exportTo.size === 0 || ['.', '*', namespace].some((target) => exportTo.has(target));
}

function isPrivate(
  { metadata, spec }: DestinationRule,
  settings: Pick<MeshSettings, 'defaultDestinationRuleExportTo'>,
): boolean {
  const exportTo = exportToOf(spec);
  if (exportTo.size === 0) return settings.defaultDestinationRuleExportTo.includes('.');
  if (exportTo.size > 1) return false;
  return exportTo.has('.') || exportTo.has(metadata.namespace ?? '');
}

function isFor(namespace: string, exportTo: ReadonlySet<string>): boolean {
  return exportTo.size === 0 || exportTo.has('*') || exportTo.has(namespace);
}

function sameLabels(one: Consolidated['selector'], other: Consolidated['selector']): boolean {
  if (one === undefined || other === undefined) return one === other;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((key) => one[key] === other[key])
  );
}
