import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Each folder of src/ and the folders it may import; type imports count. This table is the architecture. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  x509: ['lib'],
  spiffe: ['x509', 'lib'],
  resources: ['spiffe', 'lib'],
  policy: ['resources', 'spiffe', 'lib'],
  store: ['resources', 'lib'],
  apiserver: ['store', 'resources', 'policy', 'lib'],
  apiclient: ['resources', 'lib'],
  ca: ['spiffe', 'x509', 'lib'],
  attestation: ['spiffe', 'x509', 'lib'],
  certificates: ['store', 'resources', 'ca', 'x509', 'spiffe', 'lib'],
  xds: ['gen', 'lib'],
  control: words(
    'apiserver store policy resources ca attestation certificates xds gen spiffe x509 lib',
  ),
  agent: words('attestation policy resources xds gen spiffe x509 lib'),
  proxy: words('policy resources gen spiffe x509 lib'),
  telemetry: words('control agent proxy ca certificates policy resources spiffe lib'),
  app: words(
    'control agent proxy telemetry apiserver apiclient store policy resources ca attestation certificates xds gen spiffe x509 lib',
  ),
  cli: words('app apiclient policy resources lib'),
  dashboard: [],
};

/** Pure folders decide; they read no file, no socket and no clock. */
const PURE = ['policy', 'resources'];

/** `from '…'` and `import('…')`, of our own files and of Node's modules. */
const IMPORT = /\b(?:from|import)\s*\(?\s*'([^']+)'/g;

const sources = globSync('src/*/**/*.ts').filter((file) => folderOf(file) !== 'gen');
const imports = sources.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, specifier = '']) => ({
    file,
    from: folderOf(file),
    specifier,
    target: specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : undefined,
  })),
);

function words(text: string): readonly string[] {
  return text.split(' ');
}

function folderOf(path: string): string {
  return path.split(sep)[1] ?? '';
}

describe('the architecture', () => {
  it('knows every folder of src/', () => {
    const folders = readdirSync('src').filter((name) => name !== 'gen');
    expect(folders.filter((name) => MAY_IMPORT[name] === undefined)).toEqual([]);
  });

  it('imports only what its folder may import', () => {
    const forbidden = imports
      .filter(({ file, target }) => target?.startsWith('src') && !file.endsWith('.test.ts'))
      .filter(({ from, target = '' }) => folderOf(target) !== from)
      .filter(({ from, target = '' }) => !MAY_IMPORT[from]?.includes(folderOf(target)))
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(forbidden).toEqual([]);
  });

  it('lets nothing but tests import test/, and nothing import from outside src/', () => {
    const outside = imports
      .filter(
        ({ file, target }) =>
          target !== undefined && !target.startsWith('src') && !file.endsWith('.test.ts'),
      )
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(outside).toEqual([]);
  });

  it('keeps the pure folders free of Node', () => {
    const impure = imports
      .filter(({ from, file }) => PURE.includes(from) && !file.endsWith('.test.ts'))
      .filter(({ specifier }) => specifier.startsWith('node:'))
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(impure).toEqual([]);
  });

  it('found imports to judge', () => {
    expect(imports.length).toBeGreaterThan(300);
    expect(new Set(imports.map(({ from }) => from)).size).toBeGreaterThan(10);
  });
});

describe.each([
  'ARCHITECTURE.md',
  'docs/identity.md',
  'docs/identity-evidence.md',
  'docs/capture.md',
  'docs/failures.md',
])('%s', (page) => {
  it('names only paths that exist', () => {
    const text = readFileSync(page, 'utf8');
    const named = [
      ...text.matchAll(/`((?:src|test|bench|bin|docs|examples|scripts|proto)\/[^`\s*]*)`/g),
    ].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => globSync(path).length === 0)).toEqual([]);
  });
});
