import type { ExtensionProvider } from '../extension-provider.ts';

/** One rule of one AuthorizationPolicy; `rule` counts from 0 and is 0 for a policy without rules. */
export interface PolicyReference {
  readonly namespace: string;
  readonly name: string;
  readonly rule: number;
}

/** What the dry-run policies of one action would have decided by themselves (istio-semantics 3.12). */
export interface ShadowResult {
  readonly action: 'ALLOW' | 'DENY';
  readonly verdict: 'allow' | 'deny';
  /** The dry-run rule that matched; undefined when none did. */
  readonly by: PolicyReference | undefined;
}

/** What was noticed on the way to a verdict. */
export interface Observed {
  /** Rules of AUDIT policies that matched. Empty when a CUSTOM policy decided before them. */
  readonly audited: readonly PolicyReference[];
  readonly shadow: readonly ShadowResult[];
}

/** The verdict on a connection or request and who gave it. */
export type Decision = Observed &
  (
    | {
        readonly verdict: 'allow';
        /** Undefined: no ALLOW policy is attached to the workload. */
        readonly by: PolicyReference | undefined;
      }
    | {
        readonly verdict: 'deny';
        readonly reason: 'denied-by-policy';
        /** CUSTOM: the policy's provider cannot be asked. */
        readonly action: 'DENY' | 'CUSTOM';
        readonly by: PolicyReference;
      }
    | { readonly verdict: 'deny'; readonly reason: 'no-allow-matched' }
    | {
        /** A CUSTOM rule matched: what the provider says decides first, then the other policies. */
        readonly verdict: 'ask';
        readonly provider: ExtensionProvider;
        readonly by: PolicyReference;
      }
  );
