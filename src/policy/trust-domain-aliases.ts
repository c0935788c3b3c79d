import type { MeshSettings } from './mesh-settings.ts';

/** In principals, `cluster.local` always means the mesh's own trust domain, whatever it is called. */
const LOCAL_POINTER = 'cluster.local';

/** The trust domains of one mesh, and what they add to values in policies (istio-semantics 3.10). */
export interface TrustDomainAliases {
  /** Principals, each of the form `td/ns/x/sa/y` that names one of ours written for every one. */
  readonly expandPrincipals: (values: readonly string[]) => string[];
  /** Trust domains, each that is one of ours replaced by all of them. */
  readonly expandTrustDomains: (values: readonly string[]) => string[];
}

export function trustDomainAliases(
  settings: Pick<MeshSettings, 'trustDomain' | 'trustDomainAliases'>,
): TrustDomainAliases {
  const ours = [settings.trustDomain, ...settings.trustDomainAliases];
  return {
    expandPrincipals: (values) => unique(values.flatMap((value) => expandPrincipal(value, ours))),
    expandTrustDomains: (values) =>
      unique(values.flatMap((value) => (ours.includes(value) ? ours : [value]))),
  };
}

function expandPrincipal(principal: string, ours: readonly string[]): string[] {
  const [named = '', ...path] = principal.split('/');
  if (path.length !== 4) return [principal];
  if (named !== LOCAL_POINTER && !ours.some((domain) => compatible(named, domain))) {
    return [principal];
  }
  // a `*` or `*-td` that already covers one of ours stays as it is: matchers know the leading star
  return ours.map((domain) => (endsLike(domain, named) ? principal : [domain, ...path].join('/')));
}

function compatible(a: string, b: string): boolean {
  return a === b || startsLike(a, b) || startsLike(b, a) || endsLike(a, b) || endsLike(b, a);
}

function startsLike(text: string, pattern: string): boolean {
  return pattern.endsWith('*') && text.startsWith(pattern.slice(0, -1));
}

function endsLike(text: string, pattern: string): boolean {
  return pattern.startsWith('*') && text.endsWith(pattern.slice(1));
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
