import { alignedTable } from './aligned-table.ts';
import type { Machine } from './machine.ts';
import { allMetrics, type Metric } from './metrics.ts';
import type { PairName } from './pair-kind.ts';
import { type Cell, cellOf, ratioOf, type Sample, type Spread, spreadOf } from './samples.ts';

/** All that a run gave; what `-o json` prints. */
export interface Run {
  /** RFC 3339. */
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly pairs: readonly PairName[];
  readonly samples: readonly Sample[];
  /** Cores that others used during each measured run. */
  readonly noise: readonly number[];
}

/** A metric with the numbers of all pairs. */
export interface ReportRow {
  readonly metric: Metric;
  readonly cells: Readonly<Partial<Record<PairName, Cell>>>;
  /** Of Hauberk to the other, per round. */
  readonly ratios: Readonly<Partial<Record<PairName, Spread>>>;
}

/** Rows of what was measured, in the table's order. */
export function rowsOf({ pairs, samples }: Pick<Run, 'pairs' | 'samples'>): readonly ReportRow[] {
  const rivals = pairs.includes('hauberk')
    ? pairs.filter((name) => name !== 'hauberk' && name !== 'direct')
    : [];
  return allMetrics.map((metric) => ({
    metric,
    cells: Object.fromEntries(pairs.map((pair) => [pair, cellOf(samples, pair, metric.name)])),
    ratios: Object.fromEntries(
      rivals.flatMap((rival) => {
        const ratio = ratioOf(samples, metric.name, ['hauberk', rival]);
        return ratio === undefined ? [] : [[rival, ratio]];
      }),
    ),
  }));
}

/** Who stands beside whom: carriers of bytes, and those that read HTTP. */
const GROUPS: readonly (readonly PairName[])[] = [
  ['hauberk', 'nginx', 'haproxy', 'envoy', 'direct'],
  ['hauberk', 'nginx-http', 'haproxy-http', 'envoy-http'],
  ['hauberk-l7', 'haproxy-http', 'envoy-rbac'],
  ['hauberk-jwt', 'haproxy-http', 'envoy-jwt'],
];

/** The run as Markdown: where, when and how, the table, and what became of the aims. */
export function markdownOf(run: Run): string {
  const rows = rowsOf(run);
  const tables = GROUPS.flatMap((group) => {
    const pairs = run.pairs.filter((name) => group.includes(name));
    return pairs.some((name) => name !== 'hauberk') ? [table(pairs, rows)] : [];
  });
  return [origin(run), ...tables, ...verdicts(rows)].join('\n\n');
}

function origin({ date, command, machine, noise }: Run): string {
  const { cpu, cores, memoryGiB, kernel, congestionControl, versions } = machine;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const disturbed = spreadOf(noise);
  return [
    `- ${date.slice(0, 16).replace('T', ' ')} UTC, \`${command}\``,
    `- ${cores} cores of ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, loopback, TCP ${congestionControl}`,
    `- ${programs.join(', ')}`,
    `- cores that other processes used meanwhile: ${number(disturbed, 2)}`,
  ].join('\n');
}

function table(pairs: readonly PairName[], rows: readonly ReportRow[]): string {
  const rivals = pairs.filter((name) => rows.some(({ ratios }) => ratios[name] !== undefined));
  const head = ['median [min-max]', ...pairs, ...rivals.map((name) => `hauberk / ${name}`)];
  const body = rows.map(({ metric, cells, ratios }) => [
    `${metric.name}, ${metric.unit}`,
    ...pairs.map((pair) => cellText(cells[pair], metric.digits)),
    ...rivals.map((rival) => `${number(ratios[rival], 2)}${mark(ratios[rival], metric)}`),
  ]);
  return alignedTable(head, body);
}

function cellText(cell: Cell, digits: number): string {
  if (cell === undefined) return '-';
  return 'problem' in cell ? `**FAILED** ${cell.problem}` : number(cell.spread, digits);
}

/** Says where Hauberk is behind, so that nobody has to know which way a number counts. */
function mark(ratio: Spread | undefined, { better }: Metric): string {
  if (ratio === undefined) return '';
  const behind = better === 'more' ? ratio.median < 1 : ratio.median > 1;
  return behind ? ' (behind)' : '';
}

function verdicts(rows: readonly ReportRow[]): string[] {
  return rows.flatMap(({ metric, cells, ratios }) => {
    const { name, aim, better } = metric;
    if (aim === undefined) return [];
    const [best] = aim.of
      .flatMap((rival) => {
        const ratio = ratios[rival as PairName];
        return ratio === undefined ? [] : [{ rival, ratio }];
      })
      .sort((a, b) => (better === 'more' ? 1 : -1) * (a.ratio.median - b.ratio.median));
    if (best === undefined || cells.hauberk === undefined) return [];
    const { median } = best.ratio;
    const held = better === 'more' ? median >= aim.ratio : median <= aim.ratio;
    const bound = better === 'more' ? 'at least' : 'at most';
    return [
      `Aim "${name}: ${bound} ${aim.ratio} of ${aim.of.join(', ')}": ${held ? 'held' : '**missed**'}, ${number(best.ratio, 2)} of ${best.rival}.`,
    ];
  });
}

function number(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return '-';
  const { median, min, max, count } = spread;
  const text = (value: number): string =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return count === 1 ? text(median) : `${text(median)} [${text(min)}-${text(max)}]`;
}
