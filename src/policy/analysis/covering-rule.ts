import type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationRule,
  AuthorizationSource,
} from '../../resources/kinds/authorization-policy-schema.ts';

type Values = Readonly<Record<string, readonly string[] | undefined>>;

/** Fields whose values have wildcards at their ends. */
const WILD = new Set(['principals', 'requestPrincipals', 'hosts', 'methods', 'paths', 'values']);

/**
 * Whether `wide` matches wherever `narrow` does. What is not plain from the values is denied: a false
 * answer proves nothing.
 */
export function covers(wide: AuthorizationRule, narrow: AuthorizationRule): boolean {
  return (
    alternativesCover(sourcesOf(wide), sourcesOf(narrow)) &&
    alternativesCover(operationsOf(wide), operationsOf(narrow)) &&
    conditionsCover(wide.when ?? [], narrow.when ?? [])
  );
}

function sourcesOf({ from = [] }: AuthorizationRule): readonly Values[] {
  return from.map(({ source = {} }: { source?: AuthorizationSource }) => ({ ...source }));
}

function operationsOf({ to = [] }: AuthorizationRule): readonly Values[] {
  return to.map(({ operation = {} }: { operation?: AuthorizationOperation }) => ({ ...operation }));
}

function alternativesCover(wide: readonly Values[], narrow: readonly Values[]): boolean {
  if (wide.length === 0) return true;
  if (narrow.length === 0) return wide.some((each) => Object.keys(each).length === 0);
  return narrow.every((each) => wide.some((other) => fieldsCover(other, each)));
}

function fieldsCover(wide: Values, narrow: Values): boolean {
  return Object.entries(wide).every(([field, values = []]) => {
    if (values.length === 0) return true;
    const others = narrow[field] ?? [];
    if (field.startsWith('not')) return values.every((value) => others.includes(value));
    return others.length > 0 && others.every((other) => anyCovers(field, values, other));
  });
}

function anyCovers(field: string, values: readonly string[], narrow: string): boolean {
  return values.some((value) => value === narrow || (WILD.has(field) && wildCovers(value, narrow)));
}

function wildCovers(wide: string, narrow: string): boolean {
  if (wide.includes('{') || narrow.includes('{')) return false;
  if (wide === '*') return narrow !== '';
  if (wide.startsWith('*')) return !narrow.endsWith('*') && narrow.endsWith(wide.slice(1));
  return wide.endsWith('*') && !narrow.startsWith('*') && narrow.startsWith(wide.slice(0, -1));
}

function conditionsCover(
  wide: readonly AuthorizationCondition[],
  narrow: readonly AuthorizationCondition[],
): boolean {
  return wide.every(({ key, values, notValues }) =>
    narrow.some(
      (other) =>
        other.key === key &&
        fieldsCover({ values, notValues }, { values: other.values, notValues: other.notValues }),
    ),
  );
}
