import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { authzCommand } from '../src/cli/policy/authz-command.ts';

// Each page of docs/reference shows manifests and, below them, commands with the first line that they
// print. The commands are run here on the manifests above them.

const BLOCK = /^```(yaml|console)\n(.*?)^```$/gms;
const WORD = /'([^']*)'|(\S+)/g;
const directory = mkdtempSync(join(tmpdir(), 'hauberk-reference-'));

interface Example {
  readonly command: string;
  readonly manifest: string;
  readonly expected: string;
}

function examplesOf(page: string): readonly Example[] {
  let manifest = '';
  const examples: Example[] = [];
  for (const [, kind, text = ''] of readFileSync(page, 'utf8').matchAll(BLOCK)) {
    if (kind === 'yaml') manifest = text;
    else {
      for (const each of text.split('$ hauberk ').slice(1)) {
        const [command = '', ...printed] = each.trimEnd().split('\n');
        examples.push({ command, manifest, expected: printed.join('\n') });
      }
    }
  }
  return examples;
}

async function printedBy({ command, manifest }: Example): Promise<string> {
  const file = join(directory, 'manifest.yaml');
  writeFileSync(file, manifest);
  const written: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const exitCode = process.exitCode;
  try {
    const [, ...args] = [...command.matchAll(WORD)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    await authzCommand().parseAsync([...args, '-f', file], { from: 'user' });
  } finally {
    write.mockRestore();
    process.exitCode = exitCode;
  }
  return written.join('');
}

const pages = globSync('docs/reference/*.md').filter((page) =>
  examplesOf(page).some(({ command }) => command.startsWith('authz ')),
);

it('finds pages with examples', () => {
  expect(pages.length).toBeGreaterThan(0);
});

describe.each(pages)('%s', (page) => {
  it.each(examplesOf(page).filter(({ command }) => command.startsWith('authz ')))(
    'shows what is printed by $command',
    async (example) => {
      expect((await printedBy(example)).split('\n')[0]).toBe(example.expected);
    },
  );
});
