const VERSION = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;
const STABILITY: Readonly<Record<string, number>> = { alpha: 0, beta: 1 };

/**
 * Kubernetes' order of versions, the preferred one first: stable before beta before alpha, higher
 * numbers before lower ones, and names of other forms after them by the alphabet.
 */
export function byVersionPriority(a: string, b: string): number {
  const one = rank(a);
  const other = rank(b);
  for (const [index, value] of one.entries()) {
    const difference = (other[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : Number(a > b);
}

/** Kubernetes' form or not; stability; major; the number of the alpha or beta. */
function rank(version: string): readonly number[] {
  const match = VERSION.exec(version);
  if (match === null) return [0, 0, 0, 0];
  const [, major = '0', stability = '', minor = '0'] = match;
  return [1, STABILITY[stability] ?? 2, Number(major), Number(minor)];
}
