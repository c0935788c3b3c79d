import type { PairName } from './pair-kind.ts';
import type { ReportRow } from './report.ts';
import type { Spread } from './samples.ts';

/** A picture of some rows: one group of bars for each. */
export interface Plot {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

interface PlotSpec {
  readonly file: string;
  readonly title: string;
  /** Names of metrics, and what to call them. */
  readonly rows: readonly (readonly [metric: string, label: string])[];
}

const specs: readonly PlotSpec[] = [
  {
    file: 'requests.svg',
    title: 'Requests a second on kept connections (more is better)',
    rows: [
      ['requests, 1 connection', '1 connection'],
      ['requests, 32 connections', '32 connections'],
      ['requests, 256 connections', '256 connections'],
    ],
  },
  {
    file: 'connections.svg',
    title: 'New connections a second, 32 at a time (more is better)',
    rows: [['new connections, 32 at a time', 'each with one request']],
  },
  {
    file: 'bulk.svg',
    title: 'MB/s of 16 MiB bodies (more is better)',
    rows: [
      ['16 MiB bodies, 1 connection', '1 transfer'],
      ['16 MiB bodies, 4 connections', '4 transfers'],
    ],
  },
  {
    file: 'latency.svg',
    title: 'Milliseconds of a small request (less is better)',
    rows: [
      ['p50 at 1,000 requests a second', '1,000/s, p50'],
      ['p99 at 1,000 requests a second', '1,000/s, p99'],
      ['p50 of 8 small ones beside 4 in bulk', 'beside bulk, p50'],
    ],
  },
];

const COLORS: Readonly<Record<PairName, string>> = {
  hauberk: '#b5482a',
  nginx: '#2f7d4f',
  haproxy: '#2b62a3',
  envoy: '#8a5fb0',
  'nginx-http': '#93c4a6',
  'hauberk-l7': '#1f5fa8',
  'hauberk-jwt': '#5b8fd0',
  'envoy-rbac': '#b04a8f',
  'envoy-jwt': '#d08fc0',
  'haproxy-http': '#93b4d9',
  'envoy-http': '#c6b0da',
  direct: '#b0b0b0',
  'stage-splice': '#e3c9a8',
  'stage-tls': '#d9a878',
  'stage-hbone': '#c77f52',
};
const [WIDTH, LEFT, BAR, GAP, HEAD, ROW_HEAD, VALUE_WIDTH] = [760, 110, 16, 14, 34, 20, 90];

/** The pictures of a run, of what was measured in it. */
export function plotsOf(pairs: readonly PairName[], rows: readonly ReportRow[]): readonly Plot[] {
  const measured = new Set(rows.map(({ metric }) => metric.name));
  return specs
    .filter((spec) => spec.rows.some(([metric]) => measured.has(metric)))
    .map((spec) => ({ ...spec, svg: draw(spec, pairs, rows) }));
}

function draw(spec: PlotSpec, pairs: readonly PairName[], rows: readonly ReportRow[]): string {
  let y = HEAD;
  const parts: string[] = [];
  for (const [metric, label] of spec.rows) {
    const row = rows.find((each) => each.metric.name === metric);
    const bars = pairs.flatMap((pair) => {
      const cell = row?.cells[pair];
      return cell === undefined || 'problem' in cell ? [] : [{ pair, spread: cell.spread }];
    });
    if (bars.length === 0) continue;
    parts.push(text(8, y + 14, label, 'font-weight="bold"'));
    y += ROW_HEAD;
    const largest = Math.max(...bars.map(({ spread }) => spread.max));
    for (const { pair, spread } of bars) {
      parts.push(bar(pair, spread, { y, largest, digits: row?.metric.digits ?? 0 }));
      y += BAR + 2;
    }
    y += GAP;
  }
  const title = text(8, 20, spec.title, 'font-size="15" font-weight="bold"');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" font-family="system-ui, sans-serif" font-size="12">
<title>${spec.title}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${[title, ...parts].join('\n')}
</svg>
`;
}

interface Place {
  readonly y: number;
  /** The value of a bar over the whole width. */
  readonly largest: number;
  readonly digits: number;
}

/** The median, a line from the least to the most, and the number. */
function bar(pair: PairName, spread: Spread, { y, largest, digits }: Place): string {
  const scale = (WIDTH - LEFT - VALUE_WIDTH) / largest;
  const [width, min, max] = [spread.median, spread.min, spread.max].map((value) =>
    (value * scale).toFixed(1),
  );
  const shown = spread.median.toLocaleString('en-US', {
    ...{ minimumFractionDigits: digits, maximumFractionDigits: digits },
  });
  const middle = y + BAR / 2;
  return [
    text(LEFT - 8, y + 12, pair, 'text-anchor="end"'),
    `<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR}" fill="${COLORS[pair]}"/>`,
    `<path d="M${LEFT + Number(min)} ${middle}H${LEFT + Number(max)}" stroke="#222222" stroke-width="1.5"/>`,
    text(LEFT + Number(max) + 6, y + 12, shown),
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}" fill="#222222" ${attributes}>${content}</text>`;
}
