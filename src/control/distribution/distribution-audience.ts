import type { KindDefinition } from '../../resources/kind-definition.ts';
import type { Resource } from '../../resources/resource.ts';

/** The namespaces whose workloads may be sent a resource. */
export type Audience = 'everybody' | ReadonlySet<string>;

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
 * Who may be sent a resource, by its kind's visibility, which a resource can narrow to namespaces
 * that it names.
 */
export function audienceOf(
  kind: KindDefinition,
  resource: Resource,
  rootNamespace: string,
): Audience {
  if (!isDistributed(kind) || kind.isFact?.(resource) === false) return NOBODY;
  const { namespace } = resource.metadata;
  const own: Audience = namespace === undefined ? NOBODY : new Set([namespace]);
  switch (kind.visibility) {
    case 'mesh':
      return exportedTo(kind, resource);
    case 'own-and-root':
      return namespace === rootNamespace ? 'everybody' : own;
    case 'own':
      return own;
    case 'never':
      return NOBODY;
  }
}

function exportedTo(kind: KindDefinition, resource: Resource): Audience {
  const { namespace = '' } = resource.metadata;
  const targets = kind.exportedTo?.(resource) ?? [];
  if (targets.length === 0 || targets.includes('*')) return 'everybody';
  return new Set(
    targets
      .filter((target) => target !== '~')
      .map((target) => (target === '.' ? namespace : target)),
  );
}
