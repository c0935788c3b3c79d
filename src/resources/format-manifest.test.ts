import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatManifest } from './format-manifest.ts';
import { parseManifest } from './parse-manifest.ts';
import type { Resource } from './resource.ts';

function account(annotations: Readonly<Record<string, string>>): Resource {
  const metadata = { name: 'a', namespace: 'default', annotations };
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
}

it.each(['yes', 'y', 'off', '0644', '1_000', '1e3', '12:30:45', '2026-01-31', '~', ''])(
  'puts %j in quotes, which YAML 1.1 takes for something else',
  (value) => {
    expect(formatManifest([account({ value })])).toContain(`value: "${value}"\n`);
  },
);

it('writes one document a resource, without anchors', () => {
  const shared = { a: 'b' };
  const text = formatManifest([account(shared), { ...account(shared), labels: shared }]);
  expect(text.split('---\n')).toHaveLength(2);
  expect(text).not.toContain('&');
});

it('writes what parseManifest reads back as the same, and so does JSON', () => {
  const key = fc.oneof(
    fc.stringMatching(/^[a-z]{1,8}$/),
    fc.constantFrom('y', 'no', '0644', '1e3', 'null'),
  );
  // DEL may stand raw in JSON and YAML, but not in a manifest.
  const value = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\x7f'));
  fc.assert(
    fc.property(fc.dictionary(key, value, { minKeys: 1 }), (annotations) => {
      const resource = account(annotations);
      for (const text of [formatManifest([resource]), JSON.stringify(resource)]) {
        const [read] = parseManifest(text, { source: '-' });
        expect(read?.resource).toEqual(resource);
      }
    }),
  );
});
