/** Which tokens of an issuer stand for which service account. */
export interface ClaimMapping {
  /** All must hold. Name of a claim, or JSON pointer to one, to a value or `prefix*`. */
  readonly claims: Readonly<Record<string, string>>;
  /** A name, or `{claim}` for what the token says. */
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface MappedAccount {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Whether the token chose the namespace. */
  readonly chosen: boolean;
}

type Claims = Readonly<Record<string, unknown>>;

const PLACEHOLDER = /^\{(.+)\}$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** The account of the first mapping that fits; undefined when none does. */
export function mapClaims(
  mappings: readonly ClaimMapping[],
  claims: Claims,
): MappedAccount | undefined {
  for (const mapping of mappings) {
    const conditions = Object.entries(mapping.claims);
    if (conditions.length === 0) continue;
    if (!conditions.every(([path, pattern]) => holds(claimAt(claims, path), pattern))) continue;
    const namespace = filled(mapping.namespace, claims);
    const serviceAccount = filled(mapping.serviceAccount, claims);
    if (!LABEL.test(namespace) || !SUBDOMAIN.test(serviceAccount)) continue;
    return { namespace, serviceAccount, chosen: PLACEHOLDER.test(mapping.namespace) };
  }
  return undefined;
}

/** A list holds when one of its members does. */
function holds(value: unknown, pattern: string): boolean {
  if (Array.isArray(value))
    return value.some((each) => !Array.isArray(each) && holds(each, pattern));
  const text = textOf(value);
  if (text === undefined) return false;
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function filled(template: string, claims: Claims): string {
  const [, path] = PLACEHOLDER.exec(template) ?? [];
  return path === undefined ? template : (textOf(claimAt(claims, path)) ?? '');
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? value : undefined;
}

/** `sub`, or `/kubernetes.io/namespace` (RFC 6901). */
function claimAt(claims: Claims, path: string): unknown {
  const names = path.startsWith('/')
    ? path
        .slice(1)
        .split('/')
        .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    : [path];
  let value: unknown = claims;
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Claims)[name];
  }
  return value;
}
