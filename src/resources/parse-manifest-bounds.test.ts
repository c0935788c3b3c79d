import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MeshError } from '../lib/errors.ts';
import { parseManifest } from './parse-manifest.ts';

const MIB = 1024 * 1024;
const QUARTER = MIB / 4;
/** Generous for a busy machine; a quadratic reader takes minutes. */
const LONGEST_MS = 20_000;

function refusalOf(text: string): string {
  try {
    parseManifest(text, { source: 'f' });
  } catch (error) {
    if (MeshError.is(error, 'ERR_RESOURCE')) return error.message.split('\n')[0] ?? '';
    throw error;
  }
  return 'accepted';
}

function repeated(part: string, bytes = MIB - 100): string {
  return part.repeat(Math.floor(bytes / part.length));
}

it('refuses a file of 10 MB before it reads it', () => {
  const text = repeated('# comment\n', 10_000_000);
  const startedAt = performance.now();
  expect(refusalOf(text)).toBe(
    'f:1: has 10000000 bytes; a manifest has at most 1048576, so split it into several files',
  );
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

it('counts bytes, not characters', () => {
  expect(refusalOf(repeated('é'))).toMatch(/^f:1: has 209\d+ bytes; /);
});

it.each([
  ['\0', 'f:1: has a NUL byte; this is a binary file, not a manifest'],
  ['a: b\nc: \0\n', 'f:2: has a NUL byte; this is a binary file, not a manifest'],
  [
    '\x7fELF\x02\x01\x01\0',
    'f:1: has the control character U+007F; write it as an escape in quotes',
  ],
  ['a: \x1b[31m\n', 'f:1: has the control character U+001B; write it as an escape in quotes'],
])('refuses the binary text %j', (text, message) => {
  expect(refusalOf(text)).toBe(message);
});

it.each([
  ['lists in brackets', repeated('[')],
  ['objects in braces', repeated('{a: ')],
  ['lists on one line', repeated('- ')],
  ['explicit keys', repeated('? ')],
  ['empty keys', repeated(': ')],
  ['indentation', Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
  ['brackets in a quarter of a document', `a: 1\nb: ${'['.repeat(101)}${']'.repeat(101)}\n`],
])('refuses deep nesting by %s', (_name, text) => {
  expect(refusalOf(text)).toMatch(/^f:\d+: is nested more than 100 levels deep$/);
});

it('takes nesting up to a hundred levels for YAML', () => {
  expect(refusalOf(`${'['.repeat(98)}${']'.repeat(98)}`)).toBe(
    'f:1: a resource is an object with apiVersion, kind and metadata',
  );
});

const lol = Array.from({ length: 9 }, (_, level) => {
  const items = level === 0 ? 'lol' : `*a${level - 1}`;
  return `a${level}: &a${level} [${Array.from({ length: 9 }, () => items).join(', ')}]\n`;
}).join('');

it.each([
  ['nested aliases', lol, /comes to too many aliases$/],
  [
    'aliases of a long list',
    `a: &a [${'1,'.repeat(1_000)}]\nb: [${'*a,'.repeat(1_500)}]\n`,
    /comes to too many values$/,
  ],
  [
    'aliases in many documents',
    Array.from({ length: 25 }, () => `a: &a [1]\nb: [${'*a,'.repeat(100)}]\n`).join('---\n'),
    /comes to too many aliases$/,
  ],
  [
    'merge keys',
    `a: &a {${Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`).join(',')}}\nb:\n- <<: [${'*a,'.repeat(1_500)}]\n`,
    /comes to too many values$/,
  ],
])('refuses a bomb of %s', (_name, text, message) => {
  const refusals: string[] = [];
  try {
    parseManifest(text, { source: 'f' });
  } catch (error) {
    if (MeshError.is(error, 'ERR_RESOURCE')) refusals.push(...error.message.split('\n'));
  }
  expect(refusals.some((refusal) => message.test(refusal))).toBe(true);
});

it.each([
  ['documents', '---\n', 'f:1001: has more than 1000 documents; split it into several files'],
  ['resources in a List', '', 'f:1: has more than 1000 resources; split it into several files'],
  ['words and signs', '#\n', 'f:250001: has more than 500000 words and signs'],
  ['directives', '%\n', 'f:51: is not YAML: far too much stands here that is not expected'],
  ['errors', ']', 'f:1: is not YAML: far too much stands here that is not expected'],
])('refuses more %s than it wants to read', (_name, part, message) => {
  const list = `kind: List\nitems: [${'{},'.repeat(1_001)}]\n`;
  const text = part === '' ? list : repeated(part);
  expect(refusalOf(text)).toBe(message);
});

it('lists no more problems than anybody reads', () => {
  const text = Array.from({ length: 60 }, () => 'a: 1\n').join('---\n');
  try {
    parseManifest(text, { source: 'f' });
  } catch (error) {
    expect(String(error).split('\n')).toHaveLength(51);
    expect(String(error)).toMatch(/\nand 70 more problems$/);
  }
});

it.each([
  ['keys', Array.from({ length: 90_000 }, (_, index) => `k${index}: 1`).join('\n')],
  ['equal keys', repeated('a: 1\n', QUARTER)],
  ['keys in braces', `{${Array.from({ length: 90_000 }, (_, index) => `k${index}: 1`).join(',')}}`],
  [
    'unknown fields',
    `apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n${Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join('\n')}`,
  ],
  [
    'labels',
    `apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  labels: {${Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join(', ')}}`,
  ],
  ['undefined aliases', `[${repeated('*a,', QUARTER)}]`],
  ['anchors', repeated('&a ', QUARTER)],
  ['anchored items', repeated('- &a b\n', QUARTER)],
  ['tags', repeated('!a ', QUARTER)],
  ['comments', repeated('#\n', QUARTER)],
  ['blank lines', repeated(' \n', QUARTER)],
  ['tabs', repeated('- \n\t', QUARTER)],
  ['quotes', repeated('"a" ', QUARTER)],
  ['apostrophes', repeated("'", QUARTER)],
  ['a long block', `a: |\n${repeated('  x\n', QUARTER)}`],
  ['a long plain scalar', `a: ${repeated('x\n ', QUARTER)}`],
  ['pairs in a list', `[${repeated('a: b, ', QUARTER)}]`],
  ['a long word', repeated('a', QUARTER)],
  ['spaces', `${repeated(' ', QUARTER)}a`],
])(
  'answers at once, whatever there is much of: %s',
  (_name, text) => {
    const startedAt = performance.now();
    expect(refusalOf(text)).not.toBe('accepted');
    expect(performance.now() - startedAt).toBeLessThan(LONGEST_MS);
  },
  60_000,
);

const pieces = fc.array(
  fc.constantFrom(
    'apiVersion: v1',
    'kind: List',
    'kind: Secret',
    'items:',
    'metadata:',
    'name: a',
    'data:',
    '\n',
    '\n',
    '\n',
    ' ',
    '  ',
    '- ',
    '---\n',
    '...\n',
    '{',
    '}',
    '[',
    ']',
    ',',
    ': ',
    '? ',
    '&a ',
    '*a',
    '<<: ',
    '|',
    '>-',
    '!',
    '!!str ',
    '%YAML 1.1\n',
    '#',
    '"',
    "'",
    '\t',
    '\\',
    'é',
    '\ud800',
    '\ufeff',
    '0x1',
    '~',
    '@',
    '`',
    '\r\n',
    '\u2028',
  ),
  { maxLength: 40 },
);

it('answers any text with resources or an ERR_RESOURCE', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    pieces.map((parts) => parts.join('')),
    fc.json(),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(refusalOf(text)).toMatch(/^(?:accepted$|f:\d+: )/);
    }),
    { numRuns: 3_000 },
  );
});
