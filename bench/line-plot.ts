/** One line of a plot: a name and points from left to right. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LinePlot {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
}

const WIDTH = 860;
const PANEL = 150;
const LEFT = 70;
const TOP = 40;
const TICKS = 4;
const COLOURS = ['#0b6e4f', '#8a5a00', '#a11d33', '#333f8f'];

/** An SVG with one panel under the other, each with a scale of its own and all with the same x axis. */
export function linePlot({ title, xLabel, series }: LinePlot): string {
  const maxX = Math.max(...series.flatMap(({ points }) => points.map(([x]) => x)), 1);
  const height = TOP + series.length * PANEL + 40;
  const panels = series.map((each, n) =>
    panel(each, { maxX, top: TOP + n * PANEL, colour: COLOURS[n % COLOURS.length] ?? '#333' }),
  );
  const ticks = Array.from({ length: 9 }, (_, n) => (maxX * n) / 8).map((x) =>
    text(LEFT + (x / maxX) * (WIDTH - LEFT - 20), height - 22, Math.round(x).toString(), 'middle'),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${safe(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 20, title, 'start', 14),
    ...panels,
    ...ticks,
    text((LEFT + WIDTH) / 2, height - 6, xLabel, 'middle'),
    '</svg>\n',
  ].join('\n');
}

function panel(
  { name, points }: Series,
  { maxX, top, colour }: { readonly maxX: number; readonly top: number; readonly colour: string },
): string {
  const maxY = Math.max(...points.map(([, y]) => y), 1);
  const bottom = top + PANEL - 24;
  const across = (x: number): number => LEFT + (x / maxX) * (WIDTH - LEFT - 20);
  const up = (y: number): number => bottom - (y / maxY) * (PANEL - 44);
  const line = outline(points).map(([x, y]) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`);
  const grid = Array.from({ length: TICKS + 1 }, (_, n) => (maxY * n) / TICKS).map(
    (y) =>
      `<path d="M${LEFT} ${up(y).toFixed(1)}H${WIDTH - 20}" stroke="#ddd"/>${text(LEFT - 6, up(y) + 4, Math.round(y).toLocaleString('en'), 'end')}`,
  );
  return [
    ...grid,
    `<polyline points="${line.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.2"/>`,
    text(LEFT + 6, top + 14, name, 'start'),
  ].join('\n');
}

/** Without the points inside a level stretch, which change nothing but the size of the file. */
function outline(points: Series['points']): Series['points'] {
  return points.filter(([, y], n) => points[n - 1]?.[1] !== y || points[n + 1]?.[1] !== y);
}

function text(x: number, y: number, words: string, anchor: string, size = 12): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${safe(words)}</text>`;
}

function safe(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
