import type { KindDefinition } from '../resources/kind-definition.ts';
import type { Resource } from '../resources/resource.ts';

/** The namespaces whose workloads may be sent a resource. */
export type Audience = 'everybody' | ReadonlySet<string>;

const EXPORT_TO = 'networking.istio.io/exportTo';
const NOBODY: Audience = new Set();

/** Whether workloads in `namespace` belong to the audience. */
export function isIn(namespace: string, audience: Audience): boolean {
  return audience === 'everybody' || audience.has(namespace);
}

/** Whether resources of a kind are ever distributed. What is confidential is not, whatever else it says. */
export function isDistributed(kind: KindDefinition): boolean {
  return kind.visibility !== 'never' && !kind.confidential;
}

/**
 * Who may be sent a resource, by its kind's visibility. A Service narrows that by its annotation
 * `networking.istio.io/exportTo`: `.` its own namespace, `*` everybody, `~` nobody, else names of
 * namespaces, separated by commas.
 */
export function audienceOf(
  kind: KindDefinition,
  resource: Resource,
  rootNamespace: string,
): Audience {
  if (!isDistributed(kind)) return NOBODY;
  const { namespace } = resource.metadata;
  const own: Audience = namespace === undefined ? NOBODY : new Set([namespace]);
  switch (kind.visibility) {
    case 'mesh':
      return kind.kind === 'Service' && kind.group === '' ? exportedTo(resource) : 'everybody';
    case 'own-and-root':
      return namespace === rootNamespace ? 'everybody' : own;
    case 'own':
      return own;
    case 'never':
      return NOBODY;
  }
}

function exportedTo(service: Resource): Audience {
  const { annotations, namespace = '' } = service.metadata;
  const targets = (annotations?.[EXPORT_TO] ?? '')
    .split(',')
    .map((target) => target.trim())
    .filter((target) => target !== '');
  if (targets.length === 0 || targets.includes('*')) return 'everybody';
  return new Set(
    targets
      .filter((target) => target !== '~')
      .map((target) => (target === '.' ? namespace : target)),
  );
}
