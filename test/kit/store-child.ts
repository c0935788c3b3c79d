/**
 * A process with a store, to be killed or starved: `node store-child.ts <task> <database>`.
 * It prints a line a step; the tests beside `src/store` read them.
 */
import { rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/lib/clock.ts';
import { MeshError, messageOf } from '../../src/lib/errors.ts';
import { aesSealer } from '../../src/lib/sealer.ts';
import type { Resource } from '../../src/resources/resource.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';

const [, , task = '', path = ''] = process.argv;
const tasks: Readonly<Record<string, () => Promise<void>>> = { commit, hold, fill };
await tasks[task]?.().catch((error: unknown) => say(messageOf(error)));

/** Commits two objects at a time for ever, and says each version once it is acknowledged. */
async function commit(): Promise<void> {
  const store = open();
  say('open');
  for (;;) {
    const value = store.version;
    await store.commit([
      { op: 'put', resource: resource('left', value) },
      { op: 'put', resource: resource('right', value) },
    ]);
    say(String(store.version));
  }
}

/** Keeps the store open until it is killed. */
async function hold(): Promise<void> {
  open();
  say('open');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

/** Fills a small disk, says how that failed, makes room and says whether the store goes on. */
async function fill(): Promise<void> {
  const ballast = join(dirname(path), 'ballast');
  writeFileSync(ballast, Buffer.alloc(400_000));
  let store = open();
  const failure = await fillUp(store);
  store.close();
  // Reads need no room: the store opens on the full disk and knows what it knew.
  store = open();
  const full = store.version;
  rmSync(ballast);
  await store.commit([{ op: 'put', resource: resource('left', 'after') }]);
  store.close();
  store = open();
  say(JSON.stringify({ ...failure, full, reopened: store.version }));
  store.close();
}

async function fillUp(
  store: Store,
): Promise<{ code: string; message: string; acknowledged: number }> {
  for (let value = 0; ; value++) {
    const acknowledged = store.version;
    try {
      await store.commit([{ op: 'put', resource: resource(`n${value}`, 'x'.repeat(20_000)) }]);
    } catch (error) {
      if (!MeshError.is(error)) throw error;
      return { code: error.code, message: error.message, acknowledged };
    }
  }
}

function open(): Store {
  return openSqliteStore({ path, clock: systemClock, sealer: aesSealer(Buffer.alloc(32, 7)) });
}

function resource(name: string, value: unknown): Resource {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'n' },
    spec: { value },
  };
}

/** Written at once: what was said before a kill has been said. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
