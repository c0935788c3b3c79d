import { KindRegistry } from '../kind-registry.ts';
import { customResourceDefinition } from '../kinds/custom-resource-definition.ts';
import { kinds } from '../kinds.ts';

/**
 * A registry of the built-in kinds and CustomResourceDefinition, for who serves what people define:
 * hand what `customKinds` makes of the stored definitions to its `define`. It is apart from the
 * built-in ones because it brings CEL and RE2 along, which sidecars have no use for.
 */
export function registryWithCustomKinds(): KindRegistry {
  const [namespace, ...others] = kinds;
  const first = namespace === undefined ? [] : [namespace];
  return new KindRegistry([...first, customResourceDefinition, ...others]);
}
