import { join } from 'node:path';
import { Command } from 'commander';
import { readStatus } from '../../app/sidecar/sidecar-socket.ts';
import type { SidecarStatus } from '../../app/sidecar/sidecar-status.ts';
import { type CommonOptions, dataDirOf, outputOption, withExamples } from '../options.ts';
import { print, table } from '../output.ts';

interface StatusOptions extends CommonOptions {
  readonly stateDir?: string;
  readonly name?: string;
}

/** `hauberk sidecar status`: what the sidecar of a state directory says of itself. */
export function sidecarStatusCommand(): Command {
  const status = new Command('status')
    .description('show what a running sidecar holds, whom it serves, and what is wrong')
    .option('--state-dir <path>', 'of that sidecar (default: <data dir>/sidecars/<name>)')
    .option('--name <name>', 'of the workload, as it was given to the sidecar')
    .addOption(outputOption())
    .action(async (_own, command: Command) => {
      // `--state-dir` and `--name` are the sidecar's own too, which takes them where they stand first.
      const options = command.optsWithGlobals<StatusOptions>();
      const { stateDir, name = 'default', output = 'text' } = options;
      const directory = stateDir ?? join(dataDirOf({}), 'sidecars', name);
      print(output, await readStatus(directory), lines);
    });
  return withExamples(
    status,
    'hauberk sidecar status --name web',
    'hauberk sidecar status -o json',
  );
}

function lines(status: SidecarStatus): string {
  const { workload, identity, controlPlane, spiffeSocket, svidFiles } = status;
  const { serverFirstPorts, fallback } = status;
  const { registered, sds } = spiffeSocket;
  const rejected = sds.clients.flatMap(({ node, rejection }) =>
    rejection === undefined ? [] : [`  ${node} refuses what it was sent: ${rejection.detail}`],
  );
  return [
    `${identity.id}   (${workload.namespace}/${workload.name}, pid ${status.pid})`,
    `certificate    ${identity.serial}, until ${iso(identity.notAfterMs)}`,
    `control plane  ${controlPlane.phase}`,
    `connections    ${status.connections.length}`,
    ...(serverFirstPorts.length === 0
      ? []
      : [`server first   ${serverFirstPorts.map(({ port }) => port).join(', ')}`]),
    `fallback       ${fallbackLine(fallback)}`,
    ...status.credentials.map((each) => `credential     ${credentialLine(each)}`),
    ...captureLines(status.capture),
    `SPIFFE socket  ${spiffeSocket.path}, ${sds.clients.length} SDS streams`,
    ...rejected,
    ...(svidFiles === undefined ? [] : [`files          ${filesLine(svidFiles)}`]),
    ...(registered.length === 0 ? [] : ['', registeredTable(registered)]),
  ].join('\n');
}

function fallbackLine({ mode, by, used }: SidecarStatus['fallback']): string {
  const policy = by === undefined ? 'no FallbackPolicy' : `FallbackPolicy ${by}`;
  return `${mode} (${policy})${used === 0 ? '' : `, used ${used} times`}`;
}

function credentialLine({
  name,
  notAfterMs,
  problem,
}: SidecarStatus['credentials'][number]): string {
  if (problem !== undefined) return `${name}: ${problem}`;
  const until = notAfterMs === undefined ? 'authorities only' : `until ${iso(notAfterMs)}`;
  return `${name}, ${until}`;
}

function captureLines({ ownTraffic, dns }: SidecarStatus['capture']): readonly string[] {
  if (ownTraffic === undefined) return [];
  const own = {
    exempt: 'rules are there and leave the proxy alone',
    'not-captured': 'no rule speaks of the proxy',
    captured: 'RULES CAPTURE THE PROXY ITSELF, nothing is sent',
  }[ownTraffic];
  return [
    `capture        ${own}`,
    `DNS            ${dns.answered} answered, ${dns.forwarded} forwarded, ${dns.failed} failed`,
  ];
}

function filesLine(files: NonNullable<SidecarStatus['svidFiles']>): string {
  const { directory, serial = 'not written yet', state, problem } = files;
  return `${directory}, ${serial}, ${state}${problem === undefined ? '' : `: ${problem}`}`;
}

function registeredTable(registered: SidecarStatus['spiffeSocket']['registered']): string {
  return table(
    ['REGISTRATION', 'IDENTITY', 'UNTIL', 'PROBLEM'],
    registered.map(({ registration, id = '-', notAfterMs, problem = '' }) => [
      ...[registration, id, notAfterMs === undefined ? '-' : iso(notAfterMs), problem],
    ]),
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
