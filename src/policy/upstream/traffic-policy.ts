import type { TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';
import type { MergedRule } from './destination-rule-lookup.ts';

/** On which level of a DestinationRule something was written. */
export type RuleLevel = 'top' | 'port' | 'subset' | 'subset-port';

/** A setting, and where it was written. */
export interface Levelled<T> {
  readonly value: T;
  readonly level: RuleLevel;
  /** The name of the rule. */
  readonly rule: string;
}

type Settings = Pick<TrafficPolicy, 'tls' | 'loadBalancer' | 'connectionPool' | 'outlierDetection'>;
type Overridable = keyof Settings;

/** What a rule says of one port of a service and one of its subsets. */
export type EffectiveTrafficPolicy = {
  readonly [Name in Overridable]: Levelled<NonNullable<Settings[Name]>> | undefined;
};

const OVERRIDABLE = ['tls', 'loadBalancer', 'connectionPool', 'outlierDetection'] as const;

/**
 * What `rule` says of a port of the service, by the number that callers use, and of a subset
 * (istio-semantics 2.4). An entry for a port takes the place of the four settings whole, missing ones
 * included; a subset overrides field by field what the top says of the port.
 */
export function effectiveTrafficPolicy(
  { trafficPolicy, policyOf, subsets }: MergedRule,
  port: number,
  subsetName?: string,
): EffectiveTrafficPolicy {
  const entry = entryFor(trafficPolicy, port);
  const inherited = levelled(entry ?? trafficPolicy, entry ? 'port' : 'top', policyOf);
  const found = subsetName === undefined ? undefined : subsets.get(subsetName);
  if (found === undefined) return inherited;
  const own = found.subset.trafficPolicy;
  const ownEntry = entryFor(own, port);
  if (ownEntry !== undefined) return levelled(ownEntry, 'subset-port', found.of);
  const given = levelled(own, 'subset', found.of);
  return {
    tls: given.tls ?? inherited.tls,
    loadBalancer: given.loadBalancer ?? inherited.loadBalancer,
    connectionPool: given.connectionPool ?? inherited.connectionPool,
    outlierDetection: given.outlierDetection ?? inherited.outlierDetection,
  };
}

function entryFor(policy: TrafficPolicy | undefined, wanted: number): Settings | undefined {
  return policy?.portLevelSettings?.find(({ port }) => port?.number === wanted);
}

function levelled(
  settings: Settings | undefined,
  level: RuleLevel,
  rule: string,
): EffectiveTrafficPolicy {
  const given = OVERRIDABLE.map((name) => {
    const value = settings?.[name];
    return [name, value === undefined ? undefined : { value, level, rule }];
  });
  return Object.fromEntries(given) as EffectiveTrafficPolicy;
}
