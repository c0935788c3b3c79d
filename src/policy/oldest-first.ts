interface Aged {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
  };
}

/**
 * Orders resources as "the oldest wins" does: creation time in whole seconds, then name, then
 * namespace. A resource without a readable creation time has not been created yet: it is youngest.
 */
export function oldestFirst(a: Aged, b: Aged): number {
  const bySecond = createdAtSecond(a) - createdAtSecond(b);
  if (bySecond !== 0) return bySecond;
  return (
    compareText(a.metadata.name, b.metadata.name) ||
    compareText(a.metadata.namespace ?? '', b.metadata.namespace ?? '')
  );
}

/** Order of code units: the same on every machine, unlike `localeCompare`. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function createdAtSecond({ metadata }: Aged): number {
  const atMs = Date.parse(metadata.creationTimestamp ?? '');
  return Number.isNaN(atMs) ? Number.MAX_SAFE_INTEGER : Math.floor(atMs / 1_000);
}
