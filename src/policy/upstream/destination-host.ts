/** The domain of the cluster, of which all Services' names are. */
export const CLUSTER_DOMAIN = 'cluster.local';

/**
 * The whole name that a rule means by `host` (istio-semantics 2.1): a name without a dot is a Service
 * of the rule's own namespace; `*`, addresses and everything with a dot stand for themselves.
 */
export function resolveRuleHost(host: string, ruleNamespace: string): string {
  const name = host.toLowerCase();
  if (name === '*' || name.includes('.') || name.includes(':')) return name;
  return `${name}.${ruleNamespace}.svc.${CLUSTER_DOMAIN}`;
}

/**
 * Which of `hosts` means `host` most specifically: itself, or else the wildcard with the longest
 * suffix. `*` stands for any text, dots included, so `*.foo.com` is not `foo.com` and `*foo.com` is.
 */
export function mostSpecificHost(host: string, hosts: Iterable<string>): string | undefined {
  // of a wildcard, all that it may stand for must be meant
  const wanted = host.startsWith('*') ? host.slice(1) : host;
  let best: string | undefined;
  for (const each of hosts) {
    if (each === host) return each;
    if (!each.startsWith('*') || !wanted.endsWith(each.slice(1))) continue;
    if (best === undefined || each.length > best.length) best = each;
  }
  return best;
}
