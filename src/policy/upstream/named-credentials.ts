import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import { selects } from '../label-selector.ts';
import type { Workload } from '../workload.ts';
import { tlsBlocks } from './tls-blocks.ts';

/** A Secret that a workload needs to call as the rules say. */
export interface NamedCredential {
  /** As it is written in `credentialName`. */
  readonly name: string;
  /** Whether a rule has it shown (MUTUAL); else only its authorities are of use. */
  readonly isShown: boolean;
  /** The first rule that names it. */
  readonly rule: string;
}

const CONFIG_MAP = 'configmap://';

/**
 * The Secrets that a workload may be given, ordered by name: those that a DestinationRule of its own
 * namespace names whose workloadSelector selects it (istio-semantics 2.5). Agents ask for these, and the
 * control plane gives nothing else.
 */
export function namedCredentials(
  rules: readonly DestinationRule[],
  { namespace, labels }: Pick<Workload, 'namespace' | 'labels'>,
): readonly NamedCredential[] {
  const found = new Map<string, NamedCredential>();
  for (const { metadata, spec } of rules) {
    const { workloadSelector } = spec;
    if (metadata.namespace !== namespace || workloadSelector === undefined) continue;
    if (!selects(workloadSelector.matchLabels, labels)) continue;
    for (const { mode, credentialName: name = '' } of tlsBlocks(spec)) {
      const originates = mode === 'SIMPLE' || mode === 'MUTUAL';
      if (!originates || name === '' || name.startsWith(CONFIG_MAP)) continue;
      const before = found.get(name);
      const isShown = mode === 'MUTUAL' || before?.isShown === true;
      found.set(name, { name, isShown, rule: before?.rule ?? metadata.name });
    }
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
