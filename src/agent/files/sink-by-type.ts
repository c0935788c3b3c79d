import type { ResourceSink } from '../../xds/resource-sink.ts';

/** One sink made of several: what is of a type in `special` goes there, all else to `others`. */
export function sinkByType(
  special: ReadonlyMap<string, ResourceSink>,
  others: ResourceSink,
): ResourceSink {
  const sinkOf = (typeUrl: string): ResourceSink => special.get(typeUrl) ?? others;
  return {
    versions: (typeUrl) => sinkOf(typeUrl).versions(typeUrl),
    apply: (delta) => sinkOf(delta.typeUrl).apply(delta),
  };
}
