/** Whether two JSON values are the same, in whatever order the fields of their objects are. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    return false;
  }
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every(
      (key) => Object.hasOwn(other, key) && sameJson((one as Fields)[key], (other as Fields)[key]),
    )
  );
}

type Fields = Readonly<Record<string, unknown>>;
