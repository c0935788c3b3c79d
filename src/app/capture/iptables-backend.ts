import { MeshError, messageOf } from '../../lib/errors.ts';
import type { CapturePlan, Cidr } from '../../proxy/capture/capture-plan.ts';
import {
  type IptablesJump,
  type IptablesPart,
  iptablesParts,
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

type Table = IptablesPart['table'];
type Commit = Pick<IptablesPrograms, 'save' | 'restore'>;

const COUNTS = /^\[\d+:\d+\] /;
const WAIT = ['--wait=5'];
const OWN_CHAIN = /^:HAUBERK_([A-Z0-9_]{1,15})_OUT /;
const COUNTED =
  /^\[(\d+):\d+\] -A HAUBERK_([A-Z0-9_]{1,15})_(?:CAP|IN) .*--comment "?([a-z ]+?)"? -j REDIRECT/;
const WITHOUT_IPV6 =
  'what is sent by IPv6 would pass by the mesh; make ip6tables work, or turn IPv6 off with `sysctl -w net.ipv6.conf.all.disable_ipv6=1`';

/**
 * Captures as chains of the tables `nat` and `raw`, the same for each address family that the host has.
 *
 * @param ipv6InUse whether this host has IPv6 addresses; where it has none, ip6tables need not work
 */
export function iptablesBackend(
  families: readonly IptablesPrograms[],
  ipv6InUse: () => boolean,
): RuleBackend {
  return {
    name: 'iptables',
    async render(plan) {
      const usable = await usableFor(families, ipv6InUse());
      const texts = await Promise.all(usable.map((each) => rulesFor(each, plan)));
      return texts.map((text, at) => `# ${usable[at]?.family}\n${text}`).join('');
    },
    async up(plan) {
      const usable = await usableFor(families, ipv6InUse());
      const wanted = await Promise.all(
        usable.map(async (each) => ({
          ...each,
          rules: await rulesFor(each, plan),
          before: await readParts(each.save, plan.name),
        })),
      );
      const begun: typeof wanted = [];
      try {
        for (const each of wanted) {
          begun.push(each);
          await commit(each.restore, each.rules);
        }
      } catch (error) {
        // Half a capture would be a hole: what was done for the other table or family is undone.
        for (const each of begun) await putBack(each);
        throw error;
      }
    },
    async down(name) {
      const there = (await readable(families)).map(({ programs }) => programs);
      const removed = await Promise.all(there.map((each) => remove(name, each)));
      return removed.includes(true);
    },
    async list() {
      const lines = (await readable(families)).flatMap(({ nat }) => nat);
      const names = new Set(lines.flatMap((line) => OWN_CHAIN.exec(line)?.[1] ?? []));
      return [...names].map((name): MadeCapture => {
        const caught = lines.flatMap((line) => caughtBy(line, name));
        return { name: name.toLowerCase(), backend: 'iptables', caught: summed(caught) };
      });
    },
  };
}

/** The families whose rules can be read, for nothing can have been made in others. @throws where there is none */
async function readable(
  families: readonly IptablesPrograms[],
): Promise<readonly { readonly programs: IptablesPrograms; readonly nat: readonly string[] }[]> {
  const read = await Promise.allSettled(
    families.map(async (programs) => ({ programs, nat: await readTable(programs.save, 'nat') })),
  );
  const done = read.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  const failure = read.find((result) => result.status === 'rejected');
  if (done.length === 0 && failure !== undefined) throw failure.reason;
  return done;
}

/** The families to make rules for: all, but that IPv6 need not work where there is none. */
async function usableFor(
  families: readonly IptablesPrograms[],
  ipv6InUse: boolean,
): Promise<readonly IptablesPrograms[]> {
  const four = families.filter(({ family }) => family === 'ipv4');
  const six = families.filter(({ family }) => family === 'ipv6');
  await readable(four);
  const problem =
    six.length === 0
      ? 'ip6tables is not installed'
      : await readable(six).then(() => undefined, messageOf);
  if (problem === undefined) return families;
  if (!ipv6InUse) return four;
  throw new MeshError('ERR_RULES', `${problem}; ${WITHOUT_IPV6}`);
}

/** Takes away what there is of a capture; false when there is nothing. */
async function remove(name: string, { save, restore }: Commit): Promise<boolean> {
  let removed = false;
  for (const { part, lines } of await readParts(save, name)) {
    const chains = part.chains.filter((chain) => declares(lines, chain));
    const jumps = part.jumps.filter((jump) => lines.some((line) => isJump(line, jump)));
    if (chains.length === 0) continue;
    await commit(restore, iptablesRemoval({ ...part, jumps, chains }));
    removed = true;
  }
  return removed;
}

interface PresentPart {
  readonly part: IptablesPart;
  readonly lines: readonly string[];
}

/** The parts of a capture that there can be, with what their tables have now. */
async function readParts(save: HostProgram, name: string): Promise<readonly PresentPart[]> {
  const [raw, nat] = iptablesParts(name);
  const lines = await readTable(save, 'nat');
  // A kernel without the table has nothing of ours in it.
  const apart = await readTable(save, 'raw').catch(() => undefined);
  return [...(apart ? [{ part: raw, lines: apart }] : []), { part: nat, lines }];
}

/** Makes a capture what it was before. */
async function putBack({
  save,
  restore,
  before,
}: Commit & { readonly before: readonly PresentPart[] }): Promise<void> {
  for (const { part, lines } of before) {
    const rules = lines
      .map((line) => line.replace(COUNTS, ''))
      .filter((line) => part.chains.some((chain) => line.startsWith(`-A ${chain} `)));
    const now = await readTable(save, part.table);
    const made = part.chains.filter((chain) => declares(now, chain));
    if (made.length === 0) continue;
    const jumps = part.jumps.filter((jump) => now.some((line) => isJump(line, jump)));
    if (part.chains.some((chain) => declares(lines, chain)))
      await commit(restore, iptablesRestoration(part, rules));
    else await commit(restore, iptablesRemoval({ ...part, jumps, chains: made }));
  }
}

async function rulesFor({ family, save }: IptablesPrograms, plan: CapturePlan): Promise<string> {
  const present = await readParts(save, plan.name);
  const linesOf = (table: Table): readonly string[] =>
    present.find(({ part }) => part.table === table)?.lines ?? [];
  const needsZone = plan.outbound !== undefined && plan.ports.dns !== undefined;
  const parts = iptablesParts(plan.name)
    .filter(({ table, chains }) => {
      return table === 'nat' || needsZone || chains.some((each) => declares(linesOf(table), each));
    })
    .map((part) => ({
      ...part,
      jumps: part.jumps.filter((jump) => !linesOf(part.table).some((line) => isJump(line, jump))),
    }));
  return iptablesRules(plan, family, parts);
}

function declares(lines: readonly string[], chain: string): boolean {
  return lines.some((line) => line.startsWith(`:${chain} `));
}

function isJump(line: string, { from, to }: IptablesJump): boolean {
  return line.replace(COUNTS, '') === `-A ${from} -j ${to}`;
}

function caughtBy(line: string, wanted: string): readonly CaughtByRule[] {
  const [, packets, name, rule] = COUNTED.exec(line) ?? [];
  return name === wanted && rule !== undefined ? [{ rule, connections: Number(packets) }] : [];
}

async function readTable(save: HostProgram, table: Table): Promise<readonly string[]> {
  const { code, stdout, stderr } = await save.run(['--counters', '-t', table]);
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
