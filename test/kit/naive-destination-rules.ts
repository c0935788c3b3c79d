import { compareText } from '../../src/policy/oldest-first.ts';
import type { DestinationRule } from '../../src/resources/kinds/destination-rule.ts';
import type { TrafficPolicy } from '../../src/resources/kinds/traffic-policy-schema.ts';

// ---- a naive reading of istio-semantics 2.1 to 2.4, word by word: no reasons, no speed

export interface NaiveQuestion {
  readonly client: {
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  /** The whole name of the service, and its namespace. */
  readonly host: string;
  readonly serviceNamespace: string;
  readonly root: string;
  readonly defaultExportTo: readonly string[];
}

/** The settings that a rule has on each of its levels. */
const SETTINGS = ['tls', 'loadBalancer', 'connectionPool', 'outlierDetection'] as const;

export type NaiveSettings = Readonly<Record<string, unknown>>;

/** What the rules say of a port and a subset; undefined where no rule holds. */
export function naiveTraffic(
  rules: readonly DestinationRule[],
  question: NaiveQuestion,
  port: number,
  subset: string | undefined,
): NaiveSettings | undefined {
  const group = naiveGroup(rules, question);
  if (group === undefined) return undefined;
  const top = group.find(({ spec }) => spec.trafficPolicy !== undefined)?.spec.trafficPolicy;
  const wide = naivePort(top, port) ?? four(top);
  const inGroup = group.flatMap(({ spec }) => spec.subsets ?? []);
  const narrow = inGroup.find(({ name }) => name === subset)?.trafficPolicy;
  return naivePort(narrow, port) ?? { ...wide, ...four(narrow) };
}

/** The rules that hold together, the oldest first. */
export function naiveGroup(
  rules: readonly DestinationRule[],
  question: NaiveQuestion,
): readonly DestinationRule[] | undefined {
  const { client, serviceNamespace, root } = question;
  const at = (namespace: string) =>
    rules.filter(({ metadata }) => metadata.namespace === namespace);
  const own = mostSpecific(
    at(client.namespace).filter((rule) =>
      client.namespace === root ? isPrivate(rule, question) : isForItsOwn(rule),
    ),
    question.host,
  );
  if (own.length > 0) return naivePick(own, question);
  for (const namespace of [serviceNamespace, root]) {
    // private rules are nobody else's business, so they do not hide others either
    const told = at(namespace).filter((rule) => !isPrivate(rule, question));
    const shown = mostSpecific(told, question.host).filter((rule) => isFor(client.namespace, rule));
    if (shown.length > 0) return naivePick(shown, question);
  }
  return undefined;
}

/** All rules of the host that is most specific of those that mean `host`. */
function mostSpecific(rules: readonly DestinationRule[], host: string): readonly DestinationRule[] {
  const meant = rules
    .map((rule) => ({ rule, name: fullName(rule) }))
    .filter(({ name }) => name === host || (name[0] === '*' && host.endsWith(name.slice(1))))
    .sort((a, b) => rank(b.name) - rank(a.name));
  const [first] = meant;
  return meant.filter(({ name }) => name === first?.name).map(({ rule }) => rule);
}

function rank(name: string): number {
  return name.startsWith('*') ? name.length : Number.POSITIVE_INFINITY;
}

function fullName({ spec, metadata }: DestinationRule): string {
  const isShort = !spec.host.includes('.') && spec.host !== '*';
  return isShort ? `${spec.host}.${metadata.namespace}.svc.cluster.local` : spec.host;
}

function exportTo({ spec }: DestinationRule): readonly string[] {
  if (spec.workloadSelector !== undefined) return ['.'];
  return [...new Set(spec.exportTo ?? [])].sort(compareText);
}

function isPrivate(rule: DestinationRule, { defaultExportTo }: NaiveQuestion): boolean {
  const [first, ...others] = exportTo(rule);
  if (first === undefined) return defaultExportTo.includes('.');
  return others.length === 0 && (first === '.' || first === rule.metadata.namespace);
}

function isForItsOwn(rule: DestinationRule): boolean {
  return exportTo(rule).includes('.') || isFor(rule.metadata.namespace ?? '', rule);
}

function isFor(namespace: string, rule: DestinationRule): boolean {
  const targets = exportTo(rule);
  return targets.length === 0 || targets.includes('*') || targets.includes(namespace);
}

/** Those that are merged are a group; the first that selects the client, else the last without selector. */
function naivePick(
  rules: readonly DestinationRule[],
  { client }: NaiveQuestion,
): readonly DestinationRule[] | undefined {
  const byAge = [...rules].sort((a, b) => (ageKey(a) < ageKey(b) ? -1 : 1));
  const groups = Object.values(Object.groupBy(byAge, mergeKey)).filter(
    (each) => each !== undefined,
  );
  const selecting = groups.find(([first]) =>
    first?.spec.workloadSelector === undefined
      ? false
      : Object.entries(first.spec.workloadSelector.matchLabels ?? {}).every(
          ([key, value]) => client.labels[key] === value,
        ),
  );
  const general = groups.filter(([first]) => first?.spec.workloadSelector === undefined);
  return selecting ?? general.at(-1);
}

/** Equal for rules that are merged. */
function mergeKey(rule: DestinationRule): string {
  const { workloadSelector } = rule.spec;
  const labels = Object.entries(workloadSelector?.matchLabels ?? {}).sort(([a], [b]) =>
    compareText(a, b),
  );
  return JSON.stringify([workloadSelector === undefined, labels, exportTo(rule)]);
}

function ageKey({ metadata }: DestinationRule): string {
  const { creationTimestamp = '', name } = metadata;
  return [creationTimestamp.slice(0, '2026-01-01T00:00:00'.length), name].join('\u0000');
}

function naivePort(policy: TrafficPolicy | undefined, wanted: number): NaiveSettings | undefined {
  const entry = policy?.portLevelSettings?.find(({ port }) => port?.number === wanted);
  return entry && four(entry);
}

function four(policy: object | undefined): NaiveSettings {
  const given = Object.entries(policy ?? {});
  return Object.fromEntries(given.filter(([name]) => SETTINGS.some((each) => each === name)));
}
