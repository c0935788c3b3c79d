import { MeshError } from '../../lib/errors.ts';
import { nftRuleset, nftTable } from '../../proxy/capture/nft-ruleset.ts';
import type { HostProgram, ProgramResult } from './host-program.ts';
import { type CaughtByRule, type MadeCapture, type RuleBackend, summed } from './rule-backend.ts';

const PREFIX = nftTable('');

/** Captures as tables of nftables, one each. */
export function nftBackend(nft: HostProgram): RuleBackend {
  const list = async (): Promise<readonly MadeCapture[]> => {
    const tables = listed(await nft.run(['-j', 'list', 'tables']))
      .map(({ table }) => table)
      .filter((table) => table?.family === 'inet' && table.name.startsWith(PREFIX));
    return await Promise.all(
      tables.map(async (table) => {
        const name = table?.name ?? '';
        const rules = listed(await nft.run(['-j', 'list', 'table', 'inet', name]));
        const caught = summed(
          rules.flatMap(({ rule }) => (rule === undefined ? [] : caughtBy(rule))),
        );
        return { name: name.slice(PREFIX.length), backend: 'nft', caught };
      }),
    );
  };
  return {
    name: 'nft',
    list,
    render: async (plan) => nftRuleset(plan),
    async up(plan) {
      await must(nft.run(['-f', '-'], nftRuleset(plan)));
    },
    async down(name) {
      const there = await list();
      if (!there.some((capture) => capture.name === name)) return false;
      await must(nft.run(['delete', 'table', 'inet', nftTable(name)]));
      return true;
    },
  };
}

interface ListedRule {
  readonly comment?: string;
  readonly expr?: readonly { readonly counter?: { readonly packets?: number } }[];
}

interface Listed {
  readonly table?: { readonly family: string; readonly name: string };
  readonly rule?: ListedRule;
}

function listed({ code, stdout, stderr }: ProgramResult): readonly Listed[] {
  // A table that went away between two calls is none any more.
  if (code !== 0 && stderr.includes('No such file')) return [];
  if (code !== 0) throw failed(stderr);
  const { nftables } = JSON.parse(stdout) as { readonly nftables: readonly Listed[] };
  return nftables;
}

function caughtBy({ comment, expr = [] }: ListedRule): readonly CaughtByRule[] {
  const counted = expr.find(({ counter }) => counter !== undefined)?.counter;
  if (comment === undefined || counted === undefined) return [];
  return [{ rule: comment, connections: counted.packets ?? 0 }];
}

async function must(running: Promise<ProgramResult>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw failed(stderr);
}

function failed(stderr: string): MeshError {
  return new MeshError(
    'ERR_RULES',
    `nft refused the rules, nothing was changed: ${oneLine(stderr)}`,
  );
}

/** The complaint without the text that it points at. */
export function oneLine(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return (
    lines.find((line) => /error|fail|not /i.test(line))?.trim() ??
    lines[0]?.trim() ??
    'it says nothing'
  );
}
