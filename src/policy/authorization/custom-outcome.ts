import { type ExtensionProvider, parseExtensionProvider } from '../extension-provider.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { compareText } from '../oldest-first.ts';
import { quote, quoteAll } from '../quote.ts';
import type { AttachedPolicy } from './attached-policy.ts';
import type { Protocol } from './compile-rule.ts';

/** What becomes of calls that CUSTOM rules match. */
export interface CustomOutcome {
  /** Who is asked; undefined: nobody can be, and the calls are denied. */
  readonly provider: ExtensionProvider | undefined;
  /** Why nobody can be asked. */
  readonly notes: readonly string[];
}

/**
 * Whom the CUSTOM policies of a workload want to ask (istio-semantics 3.11). A provider that is not
 * defined, or a second one, makes DENY rules of all of them. Undefined: there are none to be asked
 * about calls of `protocol`.
 */
export function customOutcome(
  policies: readonly AttachedPolicy[],
  protocol: Protocol,
  { extensionProviders }: Pick<MeshSettings, 'extensionProviders'>,
): CustomOutcome | undefined {
  const custom = policies.filter(({ action, dryRun }) => action === 'CUSTOM' && !dryRun);
  const [name, ...others] = new Set(custom.map(({ spec }) => spec.provider?.name ?? ''));
  if (name === undefined) return undefined;
  if (others.length > 0) {
    const names = quoteAll([name, ...others].toSorted(compareText));
    return refuse(
      `the policies of the workload name several providers, ${names}, of which only one may be asked, so what they match is denied`,
    );
  }
  const written = extensionProviders.find((each) => each['name'] === name);
  const provider = written && parseExtensionProvider(written);
  if (provider === undefined) {
    return refuse(
      `the policy has action CUSTOM and its provider ${quote(name)} is not defined as one that can be asked, so what it matches is denied`,
    );
  }
  return provider.protocol === 'http' && protocol === 'tcp' ? undefined : { provider, notes: [] };
}

function refuse(because: string): CustomOutcome {
  return { provider: undefined, notes: [because] };
}
