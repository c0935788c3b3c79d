import { messageOf } from '../../lib/errors.ts';
import { quote } from '../field-problem.ts';
import { type KindDefinition, qualifiedKind } from '../kind-definition.ts';
import { KindRegistry } from '../kind-registry.ts';
import type { CustomResourceDefinition } from '../kinds/custom-resource-definition.ts';
import { customKind } from './custom-kind.ts';

/** Why the kind of a definition is not served. */
export interface Refusal {
  readonly reason: 'NameConflict' | 'NoVersionServed' | 'Unusable';
  readonly message: string;
}

/** What became of a set of CustomResourceDefinitions. */
export interface CustomKinds {
  readonly kinds: readonly KindDefinition[];
  /** Those whose names another kind has, or that cannot be used, by their names. */
  readonly refused: ReadonlyMap<string, Refusal>;
}

const compiled = new WeakMap<CustomResourceDefinition, KindDefinition | null>();

/**
 * The kinds that valid definitions define, for a registry. Of two with one name the first one has it (see
 * `byPrecedence`); no definition keeps the others from being used. Each is compiled once.
 */
export function customKinds(
  definitions: readonly CustomResourceDefinition[],
  builtIns: readonly KindDefinition[],
): CustomKinds {
  const kinds: KindDefinition[] = [];
  const refused = new Map<string, Refusal>();
  for (const definition of definitions) {
    const { name } = definition.metadata;
    try {
      const kind = compiled.get(definition) ?? customKind(definition) ?? null;
      compiled.set(definition, kind);
      const refusal = kind === null ? UNSERVED : nameConflict(kind, [...builtIns, ...kinds]);
      if (kind === null || refusal !== undefined) refused.set(name, refusal ?? UNSERVED);
      else {
        new KindRegistry([...builtIns, ...kinds, kind]);
        kinds.push(kind);
      }
    } catch (error) {
      refused.set(name, { reason: 'Unusable', message: messageOf(error) });
    }
  }
  return { kinds, refused };
}

const UNSERVED: Refusal = {
  reason: 'NoVersionServed',
  message: 'none of its versions is served',
};

/** The first name that another kind of the group has. */
function nameConflict(
  kind: KindDefinition,
  others: readonly KindDefinition[],
): Refusal | undefined {
  const wanted = namesOf(kind);
  for (const other of others) {
    if (other.group !== kind.group) continue;
    const taken = namesOf(other);
    const name = wanted.find((one) => taken.includes(one));
    if (name === undefined) continue;
    const message = `the name ${quote(name)} is that of ${qualifiedKind(other)} already`;
    return { reason: 'NameConflict', message };
  }
  return undefined;
}

function namesOf({ kind, plural, singular, shortNames, listKind }: KindDefinition) {
  return [kind, listKind ?? `${kind}List`, plural, singular, ...shortNames];
}
