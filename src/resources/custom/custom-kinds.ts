import { messageOf } from '../../lib/errors.ts';
import type { KindDefinition } from '../kind-definition.ts';
import { KindRegistry } from '../kind-registry.ts';
import type { CustomResourceDefinition } from '../kinds/custom-resource-definition.ts';
import { customKind } from './custom-kind.ts';

/** What became of a set of CustomResourceDefinitions. */
export interface CustomKinds {
  readonly kinds: readonly KindDefinition[];
  /** Those whose names another kind has, or that cannot be used, by their names. */
  readonly refused: ReadonlyMap<string, string>;
}

const compiled = new WeakMap<CustomResourceDefinition, KindDefinition | null>();

/**
 * The kinds that valid definitions define, for a registry. Of two with one name the older one has it;
 * no definition keeps the others from being used. Each is compiled once.
 */
export function customKinds(
  definitions: readonly CustomResourceDefinition[],
  builtIns: readonly KindDefinition[],
): CustomKinds {
  const kinds: KindDefinition[] = [];
  const refused = new Map<string, string>();
  for (const definition of definitions.toSorted(byAge)) {
    const { name } = definition.metadata;
    try {
      const kind = compiled.get(definition) ?? customKind(definition) ?? null;
      compiled.set(definition, kind);
      if (kind === null) refused.set(name, 'none of its versions is served');
      else {
        new KindRegistry([...builtIns, ...kinds, kind]);
        kinds.push(kind);
      }
    } catch (error) {
      refused.set(name, messageOf(error));
    }
  }
  return { kinds, refused };
}

function byAge(one: CustomResourceDefinition, other: CustomResourceDefinition): number {
  const [a, b] = [one, other].map(
    ({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`,
  );
  return (a ?? '') < (b ?? '') ? -1 : 1;
}
