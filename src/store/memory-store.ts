import type { Clock } from '../lib/clock.ts';
import { JournalStore } from './journal-store.ts';
import { MemoryJournal } from './memory-journal.ts';
import { defaultRetention, type Retention } from './retention.ts';
import type { Store } from './store.ts';

/** A store that is empty at first and forgets everything when the process ends. */
export function memoryStore(options: {
  readonly clock: Clock;
  readonly retention?: Retention;
}): Store {
  const { clock, retention = defaultRetention } = options;
  // There is no disk to wait for.
  return new JournalStore(new MemoryJournal(retention), clock, queueMicrotask);
}
