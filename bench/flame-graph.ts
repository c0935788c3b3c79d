import { readFileSync } from 'node:fs';

// Draws a CPU profile of Node (`npm run bench -- --profile`) as a flame graph:
// node bench/flame-graph.ts PROFILE TITLE > graph.svg

/** What we need of a `.cpuprofile`. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  readonly kind: 'own' | 'node' | 'native' | 'gc';
  readonly children: Map<string, Frame>;
  timeUs: number;
}

const [WIDTH, ROW, HEAD, MIN_WIDTH, LETTER] = [1_200, 17, 46, 1.5, 6.6];
const COLORS: Readonly<Record<Frame['kind'], string>> = {
  own: '#d9794f',
  node: '#e3c16f',
  native: '#9db8d2',
  gc: '#c98bb9',
};
const OUTSIDE: ReadonlySet<string> = new Set(['(root)', '(idle)']);

const [file = '', title = 'CPU profile'] = process.argv.slice(2);
const profile = JSON.parse(readFileSync(file, 'utf8')) as Profile;
process.stdout.write(draw(framesOf(profile)));

function framesOf({ nodes, samples, timeDeltas }: Profile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(
    nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node.id])),
  );
  const root: Frame = { name: 'all', kind: 'native', children: new Map(), timeUs: 0 };
  samples.forEach((sample, i) => {
    const stack: Profile['nodes'][number]['callFrame'][] = [];
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
      const node = byId.get(id);
      if (node !== undefined) stack.unshift(node.callFrame);
    }
    if (stack.at(-1)?.functionName !== '(idle)') add(root, stack, timeDeltas[i] ?? 0);
  });
  return root;
}

function add(
  root: Frame,
  stack: readonly { functionName: string; url: string }[],
  us: number,
): void {
  let at = root;
  at.timeUs += us;
  for (const { functionName, url } of stack) {
    if (OUTSIDE.has(functionName)) continue;
    const name = `${functionName || '(anonymous)'} ${url.split('/').at(-1) ?? ''}`.trim();
    const kind = kindOf(functionName, url);
    at = at.children.getOrInsertComputed(name, () => ({
      name,
      kind,
      children: new Map(),
      timeUs: 0,
    }));
    at.timeUs += us;
  }
}

function kindOf(functionName: string, url: string): Frame['kind'] {
  if (functionName === '(garbage collector)') return 'gc';
  if (url === '') return 'native';
  return url.startsWith('node:') ? 'node' : 'own';
}

function draw(root: Frame): string {
  const boxes: string[] = [];
  let depth = 0;
  const place = (frame: Frame, x: number, level: number): void => {
    const width = (frame.timeUs / root.timeUs) * WIDTH;
    if (width < MIN_WIDTH) return;
    depth = Math.max(depth, level);
    boxes.push(box(frame, root.timeUs, { x, y: HEAD + level * ROW, width }));
    let next = x;
    for (const child of [...frame.children.values()].sort((a, b) => b.timeUs - a.timeUs)) {
      place(child, next, level + 1);
      next += (child.timeUs / root.timeUs) * WIDTH;
    }
  };
  place(root, 0, 0);
  const height = HEAD + (depth + 1) * ROW + 4;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="monospace" font-size="11">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="6" y="18" font-size="14">${escaped(title)}</text>
<text x="6" y="36">busy time of the main thread, callers above; red: Hauberk, yellow: Node.js in JavaScript, blue: native, violet: garbage collector</text>
${boxes.join('\n')}
</svg>
`;
}

function box(
  { name, kind, timeUs }: Frame,
  totalUs: number,
  { x, y, width }: { readonly x: number; readonly y: number; readonly width: number },
): string {
  const share = `${((timeUs / totalUs) * 100).toFixed(1)} %`;
  const shown = name.slice(0, Math.max(Math.floor(width / LETTER) - 1, 0));
  return `<g><title>${escaped(name)} ${share}</title><rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${COLORS[kind]}"/><text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escaped(shown)}</text></g>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
