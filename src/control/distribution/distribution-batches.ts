type Outcome<T> = { readonly result: IteratorResult<T> } | { readonly error: unknown };

/**
 * The items of `source` in the groups in which they come: an item waits only for those that are
 * there in the same turn of the event loop, and for no more than `max`.
 */
export async function* inBatches<T>(
  source: AsyncIterable<T>,
  max: number,
): AsyncGenerator<readonly T[]> {
  const iterator = source[Symbol.asyncIterator]();
  let coming = settle(iterator.next());
  for (;;) {
    const batch: T[] = [];
    let outcome: Outcome<T> | undefined = await coming;
    while (outcome !== undefined && 'result' in outcome && outcome.result.done !== true) {
      batch.push(outcome.result.value);
      coming = settle(iterator.next());
      outcome = batch.length < max ? await Promise.race([coming, nextTurn()]) : undefined;
    }
    if (batch.length > 0) yield batch;
    if (outcome === undefined) continue;
    if ('error' in outcome) throw outcome.error;
    return;
  }
}

// A rejection must not be unhandled while the batch before it is being worked on.
async function settle<T>(next: Promise<IteratorResult<T>>): Promise<Outcome<T>> {
  try {
    return { result: await next };
  } catch (error) {
    return { error };
  }
}

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => {
    setImmediate(resolve, undefined);
  });
}
