import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { slowReaderTransfer } from '../test/kit/slow-reader-transfer.ts';
import { linePlot } from './line-plot.ts';

/**
 * `node bench/slow-reader.ts [--gb 10] [--plot FILE]`: that much through two sidecars from fast writers to slow
 * readers, half of it each way, and what memory the sidecars have meanwhile.
 */
const { values } = parseArgs({
  options: { gb: { type: 'string', default: '10' }, plot: { type: 'string' } },
});
const MB = 2 ** 20;
const directory = mkdtempSync(join(tmpdir(), 'hauberk-slow-reader-'));
try {
  const { bytes, seconds, looks } = await slowReaderTransfer({
    ...{ directory, bytes: Number(values.gb) * 1_024 * MB, burstBytes: 4 * MB, pauseMs: 25 },
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const names = ['reviews', 'products'] as const;
  const tenth = Math.ceil(looks.length / 10);
  const middle = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const rss = names.map((name) => {
    const mb = looks.map((look) => look[name]);
    const [first, last] = [middle(mb.slice(tenth, 2 * tenth)), middle(mb.slice(-tenth))];
    return [name, { secondTenthMb: first, lastTenthMb: last, mostMb: Math.max(...mb) }] as const;
  });
  const mbPerSecond = Math.round(bytes / MB / seconds);
  const summary = { bytes, seconds, mbPerSecond, rss: Object.fromEntries(rss) };
  process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
  if (values.plot !== undefined) {
    const svg = linePlot({
      title: `RSS in MB while ${values.gb} GB go from fast writers to slow readers, through two sidecars`,
      xLabel: 'GB through',
      series: names.map((name) => ({
        name,
        points: looks.map((look) => [look.mb / 1_024, look[name]] as const),
      })),
    });
    writeFileSync(values.plot, svg);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
