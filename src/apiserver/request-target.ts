/** What a URL path of the API means, before anything is known of kinds. */
export type RequestTarget =
  | { readonly at: 'core-versions' }
  | { readonly at: 'groups' }
  | { readonly at: 'group'; readonly group: string }
  | { readonly at: 'group-version'; readonly group: string; readonly version: string }
  | ResourceTarget
  /** Everything else: `/version`, `/healthz`, `/openapi/v3/…`. */
  | { readonly at: 'other'; readonly path: string };

export interface ResourceTarget {
  readonly at: 'resource';
  readonly group: string;
  readonly version: string;
  /** Absent for what is in no namespace, and for all namespaces at once. */
  readonly namespace?: string;
  readonly resource: string;
  readonly name?: string;
  readonly subresource?: string;
}

const LONGEST_PATH = 2_048;

/**
 * Reads a path such as `/apis/security.istio.io/v1/namespaces/shop/peerauthentications/default`.
 * Undefined for one that is malformed: too long, badly escaped, or with empty or dotted steps.
 */
export function parseTarget(path: string): RequestTarget | undefined {
  if (path.length > LONGEST_PATH) return undefined;
  const steps = stepsOf(path);
  if (steps === undefined) return undefined;
  const [root, ...rest] = steps;
  if (root === 'api') {
    const [version, ...below] = rest;
    if (version === undefined) return { at: 'core-versions' };
    return inVersion('', version, below);
  }
  if (root === 'apis') {
    const [group, version, ...below] = rest;
    if (group === undefined) return { at: 'groups' };
    if (version === undefined) return { at: 'group', group };
    return inVersion(group, version, below);
  }
  return { at: 'other', path: `/${steps.join('/')}` };
}

function stepsOf(path: string): readonly string[] | undefined {
  const steps = path.replace(/^\//, '').replace(/\/$/, '').split('/');
  try {
    const decoded = steps.map(decodeURIComponent);
    const bad = decoded.length > 1 || decoded[0] !== '' ? decoded.some(isBad) : false;
    return bad ? undefined : decoded;
  } catch {
    return undefined;
  }
}

function isBad(step: string): boolean {
  return step === '' || step === '.' || step === '..' || step.includes('/') || step.includes('\0');
}

function inVersion(
  group: string,
  version: string,
  steps: readonly string[],
): RequestTarget | undefined {
  const [first, second, third] = steps;
  if (first === undefined) return { at: 'group-version', group, version };
  const at = { at: 'resource', group, version } as const;
  // `namespaces/shop/status` is about the Namespace itself, `namespaces/shop/pods` about what is in it.
  const inside =
    first === 'namespaces' &&
    third !== undefined &&
    !(group === '' && (third === 'status' || third === 'finalize') && steps.length === 3);
  if (inside) return named(at, steps.slice(2), second);
  return named(at, steps, undefined);
}

function named(
  at: Pick<ResourceTarget, 'at' | 'group' | 'version'>,
  [resource = '', name, subresource, ...more]: readonly string[],
  namespace: string | undefined,
): ResourceTarget | undefined {
  if (more.length > 0) return undefined;
  return {
    ...at,
    ...(namespace === undefined ? {} : { namespace }),
    resource,
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}
