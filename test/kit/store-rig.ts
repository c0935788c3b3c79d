import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/lib/clock.ts';
import { aesSealer } from '../../src/lib/sealer.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import type { Retention } from '../../src/store/retention.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';

/** What the contract suite needs of an implementation. One rig holds one store. */
export interface StoreRig {
  open(options: { readonly clock: Clock; readonly retention?: Retention }): Store;
  /** Closes the store and opens what it left; a store that leaves nothing is handed back as it is. */
  restart(store: Store): Store;
  /** Removes what the store left. */
  dispose(): void;
}

/** The key that every test database is sealed with. */
export const testSealer = aesSealer(Buffer.alloc(32, 7));

export function memoryRig(): StoreRig {
  return { open: memoryStore, restart: (store) => store, dispose: () => undefined };
}

export function sqliteRig(): StoreRig {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-store-'));
  let reopen: (() => Store) | undefined;
  return {
    open(options) {
      reopen = () =>
        openSqliteStore({ ...options, path: join(directory, 'hauberk.db'), sealer: testSealer });
      return reopen();
    },
    restart(store) {
      store.close();
      return reopen?.() ?? store;
    },
    dispose: () => rmSync(directory, { recursive: true, force: true }),
  };
}
