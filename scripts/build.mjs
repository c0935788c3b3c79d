// dist/ for publishing: the sources and what they use of their dependencies, bundled. Decision 65 says why.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
/** Native code, and a library that starts threads from files of its own: they stay packages. */
const EXTERNAL = ['koffi', 'pino'];

/**
 * Importing these reads each of their exports, and some are getters: all of undici for a WebSocket, all of
 * Web Crypto. With 10,000 objects that was an eighth of a control plane's start. What is no getter can be
 * had without.
 */
const WITH_GETTERS = /^(?:node:)?(http|crypto)$/;
const VIRTUAL = '\0plain:';
const withoutGetters = {
  name: 'without-getters',
  resolveId: (id, _importer, { kind }) => {
    const [, name] = WITH_GETTERS.exec(id) ?? [];
    return name === undefined || kind === 'require-call' ? null : { id: `${VIRTUAL}${name}` };
  },
  load: (id) => {
    if (!id.startsWith(VIRTUAL)) return null;
    const name = `node:${id.slice(VIRTUAL.length)}`;
    const all = Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(name)));
    const plain = all.filter(([, { value }]) => value !== undefined).map(([key]) => key);
    return [
      `const all = process.getBuiltinModule('${name}');`,
      'export default all;',
      `export const { ${plain.join(', ')} } = all;`,
    ].join('\n');
  },
};

rmSync(dist, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: root,
  input: {
    'cli/main': 'src/cli/main.ts',
    'proxy/workers/worker-main': 'src/proxy/workers/worker-main.ts',
  },
  platform: 'node',
  plugins: [withoutGetters],
  external: [/^node:(?!(http|crypto)$)/, ...EXTERNAL],
});
const { output } = await bundle.write({
  dir: dist,
  format: 'esm',
  // One folder down like every source, so that package-root.ts finds the package.
  chunkFileNames: 'chunks/[name]-[hash].js',
  // Names and lines stay, for whoever reads a stack trace; comments are in the sources.
  comments: false,
});
await bundle.close();

const packages = output.flatMap((chunk) =>
  (chunk.moduleIds ?? []).flatMap((id) => packageOf(id) ?? []),
);
const notices = [...new Set(packages)].toSorted((a, b) => a.localeCompare(b)).map(noticeOf);
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), notices.join('\n'));

/** The folder of the package that a bundled file is from; undefined for our own. */
function packageOf(id) {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0];
}

/** Name, version and licence of a package whose code is in the bundle. Fails where it has none to show. */
function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined && license === undefined) throw new Error(`${name} says no licence`);
  const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  const notice = join(folder, 'NOTICE');
  const more = existsSync(notice) ? `\n${readFileSync(notice, 'utf8').trim()}\n` : '';
  return `${'='.repeat(79)}\n${name} ${version} (${license})\n${text}${more}`;
}
