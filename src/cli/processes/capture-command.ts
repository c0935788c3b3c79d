import { Command, Option } from 'commander';
import type { CaptureRequest, FilterRequest } from '../../app/capture/plan-capture.ts';
import type { BackendName } from '../../app/capture/rule-backend.ts';
import { MeshError } from '../../lib/errors.ts';
import { type CommonOptions, outputOption, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { parseCidrs, parsePort, parsePortRanges } from './port-list.ts';
import { parseUid } from './sidecar-flags.ts';

interface NameOptions extends CommonOptions {
  readonly name: string;
}

interface UpOptions extends NameOptions {
  readonly uid: readonly number[];
  readonly gid: readonly number[];
  readonly cgroup: readonly string[];
  readonly all?: boolean;
  readonly proxyUid: readonly number[];
  readonly proxyGid: readonly number[];
  readonly outboundPorts?: string;
  readonly excludeOutboundPorts?: string;
  readonly outboundCidrs?: string;
  readonly excludeOutboundCidrs?: string;
  readonly inboundPorts?: string;
  readonly excludeInboundPorts?: string;
  readonly inboundCidrs?: string;
  readonly excludeInboundCidrs?: string;
  readonly dns: boolean;
  readonly outboundTo: string;
  readonly inboundTo: string;
  readonly dnsTo: string;
  readonly backend?: BackendName;
  readonly dryRun?: boolean;
}

const NAME = /^[a-z0-9_]{1,15}$/;

/** `hauberk capture`: the rules of the kernel that bring connections to a sidecar. */
export function captureCommand(): Command {
  return new Command('capture')
    .description('make, show and remove the kernel rules that bring connections to a sidecar')
    .addCommand(upCommand())
    .addCommand(downCommand())
    .addCommand(statusCommand());
}

function upCommand(): Command {
  const command = new Command('up')
    .description('make the rules, in place of those that are there under this name; all or none')
    .addOption(nameOption())
    .option('--uid <uid>', 'capture what this user sends; may be repeated', collect(parseUid), [])
    .option('--gid <gid>', 'capture what this group sends; may be repeated', collect(parseUid), [])
    .option(
      '--cgroup <path>',
      'capture what this cgroup sends (v2); may be repeated',
      collect(String),
      [],
    )
    .option('--all', 'capture what everybody but the proxy sends')
    .option(
      '--proxy-uid <uid>',
      'user as which the sidecar runs; never captured',
      collect(parseUid),
      [],
    )
    .option(
      '--proxy-gid <gid>',
      'group as which the sidecar runs; never captured',
      collect(parseUid),
      [],
    )
    .option('--outbound-ports <list>', 'only connections to these ports, as in 80,8000-8100')
    .option('--exclude-outbound-ports <list>', 'no connections to these ports')
    .option('--outbound-cidrs <list>', 'only connections to these address ranges')
    .option('--exclude-outbound-cidrs <list>', 'no connections to these address ranges')
    .option(
      '--inbound-ports <list>',
      'capture connections of others to these ports of this host, or "all" but SSH and the mesh\'s own',
    )
    .option('--exclude-inbound-ports <list>', 'no connections to these ports of this host')
    .option('--inbound-cidrs <list>', 'only connections from these address ranges')
    .option('--exclude-inbound-cidrs <list>', 'no connections from these address ranges')
    .option('--no-dns', 'leave DNS alone; names of the mesh are then not known to programs')
    .option('--outbound-to <port>', 'where the sidecar takes what is sent', '15001')
    .option('--inbound-to <port>', 'where the sidecar takes what comes in', '15006')
    .option('--dns-to <port>', 'where the sidecar answers DNS', '15053')
    .addOption(backendOption())
    .option('--dry-run', 'print the rules and change nothing')
    .action(up);
  return withExamples(
    command,
    'hauberk capture up --uid 1000 --inbound-ports 8080',
    'hauberk capture up --all --proxy-uid 1337 --exclude-outbound-cidrs 10.9.0.0/16 --dry-run',
    'hauberk capture up --cgroup system.slice/web.service --inbound-ports all',
  );
}

function downCommand(): Command {
  const command = new Command('down')
    .description('remove exactly the rules that `up` has made under this name')
    .addOption(nameOption())
    .action(async ({ name }: NameOptions) => {
      const { captureDown } = await import('../../app/capture/capture-rules.ts');
      const removed = await captureDown(checkName(name));
      process.stdout.write(
        removed ? `capture "${name}" removed\n` : `no capture "${name}" is there\n`,
      );
    });
  return withExamples(command, 'hauberk capture down');
}

function statusCommand(): Command {
  const command = new Command('status')
    .description('show the captures of this host and how many connections each rule has caught')
    .addOption(outputOption())
    .action(async ({ output = 'text' }: CommonOptions) => {
      const { captureStatus } = await import('../../app/capture/capture-rules.ts');
      const made = await captureStatus();
      print(output, made, () =>
        made.length === 0
          ? 'nothing is captured on this host'
          : made
              .map(({ name, backend, caught }) => {
                const rules = caught.map(({ rule, connections }) => `${rule} ${connections}`);
                return `${name} (${backend}): ${rules.join(', ')}`;
              })
              .join('\n'),
      );
    });
  return withExamples(command, 'hauberk capture status -o json');
}

async function up(options: UpOptions): Promise<void> {
  const [{ captureUp, renderCapture }, { planCapture }] = await Promise.all([
    import('../../app/capture/capture-rules.ts'),
    import('../../app/capture/plan-capture.ts'),
  ]);
  const plan = planCapture(requestOf(options));
  if (options.dryRun) {
    process.stdout.write(await renderCapture(plan, options.backend));
    return;
  }
  const backend = await captureUp(plan, options.backend);
  process.stdout.write(`capture "${plan.name}" is up (${backend})\n`);
}

function requestOf(options: UpOptions): CaptureRequest {
  const { uid: uids, gid: gids, cgroup: cgroups, all = false, inboundPorts } = options;
  const inbound = filterOf({
    ports: inboundPorts === 'all' ? undefined : inboundPorts,
    excludePorts: options.excludeInboundPorts,
    cidrs: options.inboundCidrs,
    excludeCidrs: options.excludeInboundCidrs,
  });
  return {
    name: checkName(options.name),
    from: { all, uids, gids, cgroups },
    proxy: { uids: options.proxyUid, gids: options.proxyGid },
    ports: {
      outbound: parsePort(options.outboundTo),
      inbound: parsePort(options.inboundTo),
      dns: options.dns ? parsePort(options.dnsTo) : undefined,
    },
    outbound: filterOf({
      ports: options.outboundPorts,
      excludePorts: options.excludeOutboundPorts,
      cidrs: options.outboundCidrs,
      excludeCidrs: options.excludeOutboundCidrs,
    }),
    inbound: inboundPorts === undefined ? undefined : inbound,
  };
}

function filterOf(texts: {
  readonly ports: string | undefined;
  readonly excludePorts: string | undefined;
  readonly cidrs: string | undefined;
  readonly excludeCidrs: string | undefined;
}): FilterRequest {
  const { ports, excludePorts, cidrs, excludeCidrs } = texts;
  return {
    includePorts: ports === undefined ? [] : parsePortRanges(ports),
    excludePorts: excludePorts === undefined ? [] : parsePortRanges(excludePorts),
    includeCidrs: cidrs === undefined ? [] : parseCidrs(cidrs),
    excludeCidrs: excludeCidrs === undefined ? [] : parseCidrs(excludeCidrs),
  };
}

function nameOption(): Option {
  return new Option(
    '--name <name>',
    'tells captures of several sidecars on one host apart',
  ).default('default');
}

function backendOption(): Option {
  return new Option(
    '--backend <program>',
    'which program makes the rules (default: nft if installed)',
  ).choices(['nft', 'iptables']);
}

function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new MeshError(
    'ERR_USAGE',
    `--name "${name}" cannot be used; write up to 15 of a-z, 0-9 and _`,
  );
}

function collect<T>(
  parse: (text: string) => T,
): (text: string, previous: readonly T[]) => readonly T[] {
  return (text, previous) => [...previous, parse(text)];
}
