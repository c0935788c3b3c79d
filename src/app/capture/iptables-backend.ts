import { MeshError } from '../../lib/errors.ts';
import type { CapturePlan, Cidr } from '../../proxy/capture/capture-plan.ts';
import {
  type IptablesJump,
  iptablesChains,
  iptablesRemoval,
  iptablesRestoration,
  iptablesRules,
} from '../../proxy/capture/iptables-rules.ts';
import type { HostProgram } from './host-program.ts';
import { oneLine } from './nft-backend.ts';
import { type CaughtByRule, type MadeCapture, type RuleBackend, summed } from './rule-backend.ts';

/** The programs of one address family. */
export interface IptablesPrograms {
  readonly family: Cidr['family'];
  readonly save: HostProgram;
  readonly restore: HostProgram;
}

const COUNTS = /^\[\d+:\d+\] /;
const WAIT = ['--wait=5'];
const OWN_CHAIN = /^:HAUBERK_([A-Z0-9_]{1,15})_OUT /;
const COUNTED =
  /^\[(\d+):\d+\] -A HAUBERK_([A-Z0-9_]{1,15})_(?:CAP|IN) .*--comment "?([a-z ]+?)"? -j REDIRECT/;

/** Captures as chains of the table `nat`, the same for each address family that the host has. */
export function iptablesBackend(families: readonly IptablesPrograms[]): RuleBackend {
  return {
    name: 'iptables',
    async render(plan) {
      const texts = await Promise.all(families.map((each) => rulesFor(each, plan)));
      return texts.map((text, at) => `# ${families[at]?.family}\n${text}`).join('');
    },
    async up(plan) {
      const wanted = await Promise.all(
        families.map(async (each) => ({
          ...each,
          rules: await rulesFor(each, plan),
          before: await readNat(each.save),
        })),
      );
      const done: typeof wanted = [];
      try {
        for (const each of wanted) {
          await commit(each.restore, each.rules);
          done.push(each);
        }
      } catch (error) {
        // Half a capture would be a hole: what was done for the other family is undone.
        for (const { save, restore, before } of done) {
          await putBack({ name: plan.name, save, restore, before });
        }
        throw error;
      }
    },
    async down(name) {
      const removed = await Promise.all(families.map((each) => remove(name, each)));
      return removed.includes(true);
    },
    async list() {
      const lines = (await Promise.all(families.map(({ save }) => readNat(save)))).flat();
      const names = new Set(lines.flatMap((line) => OWN_CHAIN.exec(line)?.[1] ?? []));
      return [...names].map((name): MadeCapture => {
        const caught = lines.flatMap((line) => caughtBy(line, name));
        return { name: name.toLowerCase(), backend: 'iptables', caught: summed(caught) };
      });
    },
  };
}

/** Takes away what there is of a capture; false when there is nothing. */
async function remove(
  name: string,
  { save, restore }: Pick<IptablesPrograms, 'save' | 'restore'>,
): Promise<boolean> {
  const present = await readNat(save);
  const own = iptablesChains(name);
  const chains = own.all.filter((chain) => present.some((line) => line.startsWith(`:${chain} `)));
  if (chains.length === 0) return false;
  const jumps = own.jumps.filter((jump) => present.some((line) => isJump(line, jump)));
  await commit(restore, iptablesRemoval(jumps, chains));
  return true;
}

/** Makes a capture what it was before. */
async function putBack({
  name,
  save,
  restore,
  before,
}: Pick<IptablesPrograms, 'save' | 'restore'> & {
  readonly name: string;
  readonly before: readonly string[];
}): Promise<void> {
  const { all } = iptablesChains(name);
  const rules = before
    .map((line) => line.replace(COUNTS, ''))
    .filter((line) => all.some((chain) => line.startsWith(`-A ${chain} `)));
  if (rules.length === 0) await remove(name, { save, restore });
  else await commit(restore, iptablesRestoration(name, rules));
}

async function rulesFor({ family, save }: IptablesPrograms, plan: CapturePlan): Promise<string> {
  const present = await readNat(save);
  const missing = iptablesChains(plan.name).jumps.filter(
    (jump) => !present.some((line) => isJump(line, jump)),
  );
  return iptablesRules(plan, family, missing);
}

function isJump(line: string, { from, to }: IptablesJump): boolean {
  return line.replace(COUNTS, '') === `-A ${from} -j ${to}`;
}

function caughtBy(line: string, wanted: string): readonly CaughtByRule[] {
  const [, packets, name, rule] = COUNTED.exec(line) ?? [];
  return name === wanted && rule !== undefined ? [{ rule, connections: Number(packets) }] : [];
}

async function readNat(save: HostProgram): Promise<readonly string[]> {
  const { code, stdout, stderr } = await save.run(['--counters', '-t', 'nat']);
  if (code !== 0) throw failed(save, stderr);
  return stdout.split('\n');
}

async function commit(restore: HostProgram, rules: string): Promise<void> {
  const { code, stderr } = await restore.run([...WAIT, '--noflush'], rules);
  if (code !== 0) throw failed(restore, stderr);
}

function failed({ path }: HostProgram, stderr: string): MeshError {
  return new MeshError('ERR_RULES', `${path} refused, nothing was changed: ${oneLine(stderr)}`);
}
