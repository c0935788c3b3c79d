import type { Resource } from '../../resources/resource.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import type { Finding, FindingCode } from './finding.ts';

/** What is looked at of an EnvoyFilter, a kind that nobody here validates: all of it may be anything. */
interface ConfigPatch {
  readonly applyTo?: unknown;
  readonly match?: {
    readonly proxy?: { readonly proxyVersion?: unknown } | null;
    readonly listener?: {
      readonly filterChain?: { readonly filter?: { readonly name?: unknown } | null } | null;
    } | null;
  } | null;
  readonly patch?: { readonly operation?: unknown; readonly value?: unknown } | null;
}

const RELATIVE = ['INSERT_BEFORE', 'INSERT_AFTER', 'REPLACE', 'REMOVE'];
/** What can be replaced; elsewhere nothing is. */
const REPLACED = ['NETWORK_FILTER', 'HTTP_FILTER', 'VIRTUAL_HOST'];
/** What can neither be added to nor be taken from. */
const WHOLE = ['ROUTE_CONFIGURATION', 'HTTP_ROUTE'];
const MOST_NAMES = 10_000;

/**
 * IST0151 to IST0155: patches of EnvoyFilters whose operation does nothing there, or that depend on the order
 * in which others are applied.
 */
export function envoyFilters(mesh: AnalyzedMesh): readonly Finding[] {
  // of filters that are meant for one version of the proxy, also by EnvoyFilters before
  const versioned = new Set<string>();
  return mesh.resources
    .filter(({ kind, apiVersion }) => {
      return kind === 'EnvoyFilter' && apiVersion.startsWith('networking.istio.io/');
    })
    .flatMap((resource) => {
      const said = new Set<FindingCode>();
      const { configPatches, priority = 0 } = specOf(resource);
      const patches = Array.isArray(configPatches) ? configPatches : [];
      return patches.flatMap((each: unknown, index): Finding[] => {
        const patch = objectOf(each) as ConfigPatch;
        if (patch.patch === undefined || patch.patch === null) return [];
        const name = filterName(patch);
        const code = codeOf(patch, { hasPriority: priority !== 0, versioned: versioned.has(name) });
        const version = patch.match?.proxy?.proxyVersion ?? '';
        if (version !== '' && versioned.size < MOST_NAMES) versioned.add(name);
        if (code === undefined || said.has(code)) return [];
        said.add(code);
        return [finding(code, resource, { patch, index })];
      });
    });
}

function codeOf(
  { applyTo, patch }: ConfigPatch,
  { hasPriority, versioned }: { readonly hasPriority: boolean; readonly versioned: boolean },
): FindingCode | undefined {
  const operation = String(patch?.operation ?? '');
  const isWhole = WHOLE.includes(String(applyTo));
  if (operation === 'ADD') return isWhole ? 'IST0153' : undefined;
  if (operation === 'REMOVE' && isWhole) return 'IST0154';
  if (operation === 'REPLACE' && !REPLACED.includes(String(applyTo))) return 'IST0152';
  if (!RELATIVE.includes(operation) || hasPriority) return undefined;
  return versioned ? 'IST0155' : 'IST0151';
}

function finding(
  code: FindingCode,
  resource: Resource,
  { patch, index }: { readonly patch: ConfigPatch; readonly index: number },
): Finding {
  const what = `configPatches[${index}]: ${String(patch.patch?.operation).slice(0, 40)}`;
  const place = String(patch.applyTo).slice(0, 40);
  const texts: Readonly<Record<string, string>> = {
    IST0151: `${what} depends on the order in which EnvoyFilters are applied; set a priority, or use INSERT_FIRST or ADD`,
    IST0152: `${what} works for ${REPLACED.join(', ')} only, not for ${place}`,
    IST0153: `${what} is ignored for ${place}`,
    IST0154: `${what} is ignored for ${place}`,
    IST0155: `${what} depends on the order in which EnvoyFilters are applied, and one of the same filter is for a single proxyVersion: during an upgrade it may not be applied; set a priority`,
  };
  return { code, resource, message: texts[code] ?? what };
}

/** The filter that a patch makes, or else the one that it stands beside. */
function filterName({ match, patch }: ConfigPatch): string {
  const { name } = objectOf(patch?.value);
  if (typeof name === 'string') return name;
  const beside = match?.listener?.filterChain?.filter?.name;
  return patch?.value !== undefined && typeof beside === 'string' ? beside : '';
}

function specOf(resource: Resource): Readonly<Record<string, unknown>> {
  return objectOf(resource['spec']);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}
