/**
 * `make`, called at most once, when its value is first asked for. Schemas are made so: most processes
 * meet few of the kinds.
 */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
