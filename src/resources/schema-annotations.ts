/**
 * The keywords that a schema may carry for the API beside those that are validated by: how lists and
 * maps merge, what is kept though it is unknown, and rules that are checked by other means.
 */
export const SCHEMA_ANNOTATIONS = [
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-patch-strategy',
  'x-kubernetes-patch-merge-key',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-validations',
  'x-hauberk-drop-null',
  'pattern',
] as const;

/** How the merging kinds of patch treat a list, as options of its schema. */
export type ListMerge = {
  readonly 'x-kubernetes-list-type': 'map' | 'set' | 'atomic';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-patch-strategy'?: 'merge' | 'merge,retainKeys' | 'replace';
  readonly 'x-kubernetes-patch-merge-key'?: string;
};

/** A list of objects that are told apart by these keys; strategic merge goes by the first. */
export function mapList(...keys: [string, ...string[]]): ListMerge {
  return {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-patch-merge-key': keys[0],
  };
}

/** A list in which every value is there at most once. */
export function setList(): ListMerge {
  return { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' };
}

/** A list that is replaced whole. */
export function atomicList(): ListMerge {
  return { 'x-kubernetes-list-type': 'atomic' };
}
