import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { slowReaderTransfer } from '../kit/slow-reader-transfer.ts';

const MB = 2 ** 20;
const directory = mkdtempSync(join(tmpdir(), 'hauberk-bulk-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `bench/slow-reader.ts` does the same with 10 GB. */
it('carries 300 MB from fast writers to slow readers in memory that does not grow with it', async () => {
  const { bytes, looks } = await slowReaderTransfer({
    ...{ directory, bytes: 300 * MB, burstBytes: 2 * MB, pauseMs: 50 },
  });
  expect(bytes).toBe(300 * MB);
  for (const name of ['reviews', 'products'] as const) {
    const mb = looks.map((look) => look[name]);
    // Were what waits kept, it would be some 150 MB for each way.
    expect(Math.max(...mb) - Math.min(...mb)).toBeLessThan(100);
  }
}, 200_000);
