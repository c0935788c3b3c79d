import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from './commands.ts';

/** What `--help` prints. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

/** Those that do something, with the words that lead to them. */
function leavesOf(command: Command, words: readonly string[]): readonly [string, Command][] {
  const path = [...words, command.name()];
  if (command.commands.length === 0) return [[path.join(' '), command]];
  return command.commands.flatMap((inner) => leavesOf(inner, path));
}

const leaves = (
  await Promise.all(Object.values(commands).map(async (load) => leavesOf(await load(), [])))
).flat();

describe('the help of hauberk', () => {
  it('names each command as it is loaded', async () => {
    for (const [name, load] of Object.entries(commands)) expect((await load()).name()).toBe(name);
    expect(leaves.length).toBeGreaterThan(30);
  });

  it.each(leaves)('%s has a description and an example', (path, command) => {
    const help = helpOf(command);
    expect(command.description()).not.toBe('');
    expect(help).toMatch(/Examples?:\n {2}\$ \S/);
    expect(help).toContain(`hauberk ${path.split(' ')[0]}`);
  });
});
