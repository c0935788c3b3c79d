import { describe, expect, it } from 'vitest';
import type { CapturePlan } from '../../proxy/capture/capture-plan.ts';
import { type IptablesPrograms, iptablesBackend } from './iptables-backend.ts';

const nothing = { includePorts: [], excludePorts: [], includeCidrs: [], excludeCidrs: [] };
const plan: CapturePlan = {
  name: 'web',
  ports: { outbound: 15_001, inbound: 15_006, dns: 15_053 },
  proxy: { uids: [], gids: [1337] },
  outbound: {
    ...nothing,
    from: [{ kind: 'uid', uid: 1000 }],
    resolvers: [{ family: 'ipv4', text: '10.0.0.53' }],
  },
  inbound: undefined,
};

/** A family of iptables in memory, of which some tables are missing or refuse what is committed. */
class Tables {
  readonly chains: Record<string, Map<string, string[]>> = { raw: new Map(), nat: new Map() };
  missing: readonly string[] = [];
  refuses: readonly string[] = [];
  readonly programs: IptablesPrograms;

  constructor(family: IptablesPrograms['family']) {
    const program = (path: string, run: (args: readonly string[], stdin: string) => string) => ({
      path,
      run: async (args: readonly string[], stdin = '') => {
        try {
          return { code: 0, stdout: run(args, stdin), stderr: '' };
        } catch (error) {
          return { code: 1, stdout: '', stderr: String(error) };
        }
      },
    });
    const save = program('save', (args) => this.#save(args.at(-1) ?? ''));
    const restore = program('restore', (_, stdin) => this.#restore(stdin));
    this.programs = { family, save, restore };
  }

  get text(): string {
    return Object.keys(this.chains)
      .map((table) => this.#list(table))
      .join('\n');
  }

  #save(table: string): string {
    if (this.missing.includes(table)) throw new Error(`table ${table} does not exist`);
    return this.#list(table);
  }

  #list(table: string): string {
    const chains = [...(this.chains[table] ?? [])];
    const rules = chains.flatMap(([chain, added]) =>
      added.map((rule) => `[0:0] -A ${chain} ${rule}`),
    );
    return [...chains.map(([chain]) => `:${chain} - [0:0]`), ...rules].join('\n');
  }

  #restore(text: string): string {
    for (const part of text.split('COMMIT\n').filter(Boolean)) {
      const [head = '', ...lines] = part.trim().split('\n');
      const table = head.slice(1);
      if ([...this.missing, ...this.refuses].includes(table)) throw new Error(`no ${table}`);
      for (const line of lines) this.#apply(this.chains[table] ?? new Map(), line);
    }
    return '';
  }

  #apply(chains: Map<string, string[]>, line: string): void {
    const [what = '', chain = '', ...rule] = line.split(' ');
    if (what.startsWith(':')) chains.set(what.slice(1), []);
    else if (what === '-A') chains.set(chain, [...(chains.get(chain) ?? []), rule.join(' ')]);
    else if (what === '-F') chains.set(chain, []);
    else if (what === '-X') chains.delete(chain);
    else {
      const left = (chains.get(chain) ?? []).filter((each) => each !== rule.join(' '));
      if (left.length === 0) chains.delete(chain);
      else chains.set(chain, left);
    }
  }
}

/** A host with both families; `ipv6InUse` says whether it has IPv6 addresses. */
function host(ipv6InUse = true) {
  const [four, six] = [new Tables('ipv4'), new Tables('ipv6')];
  const backend = iptablesBackend([four.programs, six.programs], () => ipv6InUse);
  return { four, six, backend };
}

describe('captures by iptables', () => {
  it('are made, made again and taken away in both families and tables', async () => {
    const { four, six, backend } = host();
    await backend.up(plan);
    const made = four.text;
    expect(made).toContain('-A OUTPUT -j HAUBERK_WEB_DNS');
    expect(made).toContain('-j CT --zone-orig 15053');
    expect(six.text).toContain('-A OUTPUT -j HAUBERK_WEB_OUT');
    await backend.up(plan);
    expect(four.text).toBe(made);
    expect(await backend.list()).toEqual([expect.objectContaining({ name: 'web' })]);
    expect(await backend.down('web')).toBe(true);
    expect(four.text + six.text).not.toContain('HAUBERK');
    expect(await backend.down('web')).toBe(false);
  });

  it('need no ip6tables where there are no IPv6 addresses', async () => {
    const { four, six, backend } = host(false);
    six.missing = ['raw', 'nat'];
    await backend.up(plan);
    expect(four.text).toContain('HAUBERK_WEB_OUT');
    expect(await backend.list()).toHaveLength(1);
    expect(await backend.down('web')).toBe(true);
    expect(four.text).not.toContain('HAUBERK');
  });

  it.each([
    ['does not work', (four: Tables, six: Tables) => [four.programs, six.programs]],
    ['is not installed', (four: Tables) => [four.programs]],
  ])('are refused where ip6tables %s and IPv6 would pass by', async (_, families) => {
    const { four, six } = host();
    six.missing = ['raw', 'nat'];
    const backend = iptablesBackend(families(four, six), () => true);
    await expect(backend.up(plan)).rejects.toMatchObject({
      code: 'ERR_RULES',
      message: expect.stringContaining('net.ipv6.conf.all.disable_ipv6=1'),
    });
    expect(four.text).not.toContain('HAUBERK');
  });

  it.each([
    ['the second table of a family', 'four', 'nat'],
    ['the second family', 'six', 'nat'],
  ] as const)('are what they were before where %s refuses', async (_, which, table) => {
    const tables = host();
    await tables.backend.up({ ...plan, proxy: { uids: [], gids: [42] } });
    const before = tables.four.text + tables.six.text;
    tables[which].refuses = [table];
    await expect(tables.backend.up(plan)).rejects.toMatchObject({ code: 'ERR_RULES' });
    expect(tables.four.text + tables.six.text).toBe(before);
  });

  it('work without DNS where the kernel has no table for it', async () => {
    const { four, six, backend } = host();
    four.missing = ['raw'];
    six.missing = ['raw'];
    await expect(backend.up(plan)).rejects.toMatchObject({ code: 'ERR_RULES' });
    expect(four.text + six.text).not.toContain('HAUBERK');
    await backend.up({ ...plan, ports: { ...plan.ports, dns: undefined } });
    expect(four.text).toContain('HAUBERK_WEB_OUT');
    expect(await backend.down('web')).toBe(true);
  });
});
