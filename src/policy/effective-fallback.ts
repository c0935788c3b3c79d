import { parseGoDuration } from '../resources/go-duration.ts';
import type { FallbackPolicy } from '../resources/kinds/fallback-policy.ts';
import { selectedLabelCount } from '../resources/kinds/selector.ts';
import { selects } from './label-selector.ts';
import type { MeshSettings } from './mesh-settings.ts';
import { oldestFirst } from './oldest-first.ts';
import type { Workload } from './workload.ts';

/** What a workload does without a valid certificate, and the policy that says so. */
export type EffectiveFallback = {
  /** `namespace/name`; undefined: none says anything, so it denies. */
  readonly by: string | undefined;
} & (
  | { readonly mode: 'Deny' }
  /** How long a certificate counts after its end, in milliseconds. */
  | { readonly mode: 'KeepLast'; readonly keepForMs: number }
  | { readonly mode: 'Plaintext' }
);

const SCOPES = ['workload', 'namespace', 'mesh'] as const;

/**
 * The FallbackPolicy of a workload: the oldest that selects it, else the oldest of its namespace, else
 * the oldest of the root namespace. Narrower ones take the place of wider ones whole.
 */
export function effectiveFallback(
  policies: readonly FallbackPolicy[],
  workload: Pick<Workload, 'namespace' | 'labels'>,
  settings: Pick<MeshSettings, 'rootNamespace'>,
): EffectiveFallback {
  const byAge = policies.toSorted(oldestFirst);
  for (const scope of SCOPES) {
    const policy = byAge.find((each) => scopeFor(each, workload, settings) === scope);
    if (policy !== undefined) return fallbackOf(policy);
  }
  return { mode: 'Deny', by: undefined };
}

function fallbackOf({ metadata, spec }: FallbackPolicy): EffectiveFallback {
  const by = `${metadata.namespace ?? ''}/${metadata.name}`;
  if (spec.mode !== 'KeepLast') return { mode: spec.mode, by };
  return { mode: 'KeepLast', by, keepForMs: parseGoDuration(spec.keepFor ?? '') ?? 0 };
}

function scopeFor(
  { metadata, spec }: FallbackPolicy,
  workload: Pick<Workload, 'namespace' | 'labels'>,
  { rootNamespace }: Pick<MeshSettings, 'rootNamespace'>,
): (typeof SCOPES)[number] | undefined {
  const { namespace } = metadata;
  if (selectedLabelCount(spec.selector) > 0) {
    if (namespace !== workload.namespace) return undefined;
    return selects(spec.selector?.matchLabels, workload.labels) ? 'workload' : undefined;
  }
  if (namespace === workload.namespace) return 'namespace';
  return namespace === rootNamespace ? 'mesh' : undefined;
}
