const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const STAGES = ['alpha', 'beta', undefined];

/** Sorts versions of an API as Kubernetes does: `v2`, `v1`, `v1beta1`, `v1alpha3`, then all others by letter. */
export function byPriority(a: string, b: string): number {
  const left = VERSION.exec(a);
  const right = VERSION.exec(b);
  if (left === null || right === null) {
    if (left === right) return a < b ? -1 : 1;
    return left === null ? 1 : -1;
  }
  const stage = STAGES.indexOf(right[2]) - STAGES.indexOf(left[2]);
  if (stage !== 0) return stage;
  const major = Number(right[1]) - Number(left[1]);
  return major !== 0 ? major : Number(right[3] ?? 0) - Number(left[3] ?? 0);
}
