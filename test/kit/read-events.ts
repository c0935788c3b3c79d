import type { StoreEvent } from '../../src/store/store.ts';

/** The next `count` events of a watch; fails by the test's time limit when they do not come. */
export async function readEvents(
  watch: AsyncIterator<StoreEvent>,
  count: number,
): Promise<readonly StoreEvent[]> {
  const events: StoreEvent[] = [];
  while (events.length < count) {
    const { done, value } = await watch.next();
    if (done === true) throw new Error(`the watch ended after ${events.length} of ${count} events`);
    events.push(value);
  }
  return events;
}
