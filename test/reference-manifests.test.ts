import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../src/resources/parse-manifest.ts';

// What a page of docs/reference shows must be accepted as it stands.

const YAML = /^```yaml\n(.*?)^```$/gms;

const blocks = globSync('docs/reference/*.md').flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(YAML)].map(([, text = ''], index) => ({
    ...{ page, text },
    number: index + 1,
  })),
);

it('finds manifests', () => {
  expect(blocks.length).toBeGreaterThan(10);
});

describe.each(blocks)('$page, manifest $number', ({ page, text }) => {
  it('is accepted', () => {
    const documents = parseManifest(text, { source: page });
    expect(documents.length).toBeGreaterThan(0);
  });
});
