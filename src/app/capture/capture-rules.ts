import { readFileSync } from 'node:fs';
import { MeshError } from '../../lib/errors.ts';
import type { CapturePlan } from '../../proxy/capture/capture-plan.ts';
import { hostProgram } from './host-program.ts';
import { type IptablesPrograms, iptablesBackend } from './iptables-backend.ts';
import { nftBackend } from './nft-backend.ts';
import type { BackendName, MadeCapture, RuleBackend } from './rule-backend.ts';

/** Empty where IPv6 is turned off, and not there where the kernel has none. */
const IPV6_ADDRESSES = '/proc/net/if_inet6';

/**
 * Makes the rules of a plan, in place of those of the same name, and says by which program.
 *
 * @throws {MeshError} ERR_FORBIDDEN without root, ERR_NOT_FOUND without nft and iptables, ERR_CONFLICT
 *   when the other program has made a capture of that name, ERR_RULES when the kernel refuses.
 */
export async function captureUp(plan: CapturePlan, wanted?: BackendName): Promise<BackendName> {
  needRoot();
  const usable = wanted === undefined ? await usableBackends() : installed();
  const backend = chosen(wanted, usable);
  const other = (await captureStatus()).find(
    (made) => made.name === plan.name && made.backend !== backend.name,
  );
  if (other !== undefined) {
    const text = `${other.backend} has made a capture "${plan.name}" already; run \`hauberk capture down --name ${plan.name}\` first`;
    throw new MeshError('ERR_CONFLICT', text);
  }
  await backend.up(plan);
  return backend.name;
}

/** What `captureUp` would give the kernel; needs no root where nftables is used. */
export async function renderCapture(plan: CapturePlan, wanted?: BackendName): Promise<string> {
  return await chosen(wanted, installed()).render(plan);
}

/**
 * Takes away all rules of that name, whichever program made them; false when there are none.
 *
 * @throws {MeshError} as `captureUp`
 */
export async function captureDown(name: string): Promise<boolean> {
  needRoot();
  const backends = await usableBackends();
  const removed = await Promise.all(backends.map((backend) => backend.down(name)));
  return removed.includes(true);
}

/** All captures of this host. @throws {MeshError} as `captureUp` */
export async function captureStatus(): Promise<readonly MadeCapture[]> {
  needRoot();
  return (await listings()).flatMap(({ made }) => made);
}

function needRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new MeshError(
    'ERR_FORBIDDEN',
    'the rules of the kernel are for root only; run this with sudo',
  );
}

interface Listing {
  readonly backend: RuleBackend;
  readonly made: readonly MadeCapture[];
}

/** A program that cannot even list its rules has made none: it is there, and what it needs of the kernel is not. */
async function listings(): Promise<readonly Listing[]> {
  const asked = await Promise.allSettled(
    installed().map(async (backend) => ({ backend, made: await backend.list() })),
  );
  const answers = asked.filter((each) => each.status === 'fulfilled').map(({ value }) => value);
  const failure = asked.find((each) => each.status === 'rejected');
  if (answers.length === 0 && failure !== undefined) throw failure.reason;
  return answers;
}

async function usableBackends(): Promise<readonly RuleBackend[]> {
  return (await listings()).map(({ backend }) => backend);
}

function chosen(wanted: BackendName | undefined, backends: readonly RuleBackend[]): RuleBackend {
  const found = backends.find(({ name }) => wanted === undefined || name === wanted);
  if (found !== undefined) return found;
  const what = wanted ?? 'neither nft nor iptables';
  const missing = wanted === undefined ? `${what} is installed` : `${what} is not installed`;
  throw new MeshError('ERR_NOT_FOUND', `${missing}; install the package nftables`);
}

/** nftables first: all rules of both families in one transaction. */
function installed(): readonly RuleBackend[] {
  const nft = hostProgram('nft');
  const families = [...iptables('ipv4', 'iptables'), ...iptables('ipv6', 'ip6tables')];
  return [
    ...(nft === undefined ? [] : [nftBackend(nft)]),
    ...(families.length === 0 ? [] : [iptablesBackend(families, hasIpv6)]),
  ];
}

function hasIpv6(): boolean {
  try {
    return readFileSync(IPV6_ADDRESSES, 'utf8').trim() !== '';
  } catch {
    return false;
  }
}

function iptables(family: IptablesPrograms['family'], program: string): IptablesPrograms[] {
  const [save, restore] = [hostProgram(`${program}-save`), hostProgram(`${program}-restore`)];
  return save === undefined || restore === undefined ? [] : [{ family, save, restore }];
}
