import { Command } from 'commander';
import type { RunConfig } from '../../app/capture/run-program.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { forbidDumps } from '../../lib/forbid-dumps.ts';
import { withExamples } from '../options.ts';
import { type SidecarOptions, sidecarConfigOf, withSidecarOptions } from './sidecar-command.ts';
import { parseUid } from './sidecar-flags.ts';

interface RunOptions extends SidecarOptions {
  readonly serviceAccount: string;
  readonly startTimeout: string;
  readonly uid?: number;
  readonly gid?: number;
}

const ACCOUNT = /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)$/;
const STDERR = 2;
const PORT_FLAGS = ['outboundTo', 'inboundTo', 'dnsTo'] as const;
/** A terminal sends it to the program itself. */
const FROM_TERMINAL: NodeJS.Signals = 'SIGINT';
const PASSED_ON: readonly NodeJS.Signals[] = [
  ...(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const),
];

/** `hauberk run`: a program with a sidecar of its own. */
export function runCommand(): Command {
  const command = withSidecarOptions(
    new Command('run').description(
      'run a program with a sidecar of its own: the program starts when the sidecar is ready, and its exit code is that of this command',
    ),
  )
    .requiredOption('--service-account <namespace/name>', 'whose identity the program is to have')
    .option('--start-timeout <duration>', 'how long the sidecar may take to get ready', '30s')
    .option('--uid <uid>', 'run the program as this user', parseUid)
    .option('--gid <gid>', 'run the program as this group', parseUid)
    .argument('<command...>', 'the program and its arguments, after --')
    .action(run);
  return withExamples(
    command,
    'HAUBERK_TOKEN=$(cat web.token) hauberk run --service-account shop/web --capture proxy -- curl http://products:8080/',
    'sudo hauberk run --service-account shop/web --token-file web.token --capture redirect --inbound-ports 8080 --uid 1000 -- ./server',
  );
}

async function run(argv: readonly string[], options: RunOptions, command: Command): Promise<void> {
  const { runProgram } = await import('../../app/capture/run-program.ts');
  const [namespace = '', serviceAccount = ''] =
    ACCOUNT.exec(options.serviceAccount)?.slice(1) ?? [];
  if (serviceAccount === '') {
    const text = `--service-account "${options.serviceAccount}" cannot be read; write namespace/name`;
    throw new MeshError('ERR_USAGE', text);
  }
  const { uid, gid } = options;
  const name = options.name ?? serviceAccount;
  const sidecar = sidecarConfigOf({
    ...{ ...options, ...(await ownPorts(options, command)), name },
    ...(uid === undefined ? {} : { allowUid: [...options.allowUid, uid] }),
  });
  const config: RunConfig = {
    sidecar: { ...sidecar, logDescriptor: STDERR },
    account: { namespace, serviceAccount },
    program: { argv, uid, gid, env: process.env },
    startTimeoutMs: parseDuration(options.startTimeout),
  };
  const interactive = process.stdin.isTTY;
  forbidDumps();
  process.exitCode = await runProgram(config, (pass) => {
    for (const signal of PASSED_ON) {
      process.on(signal, () => {
        if (signal !== FROM_TERMINAL || !interactive) pass(signal);
      });
    }
  });
}

/**
 * Ports of its own where none are given: one sidecar of a host may have the usual ones, and shared
 * they would mix up whose connections are whose.
 */
async function ownPorts(options: RunOptions, command: Command): Promise<Partial<RunOptions>> {
  const { freePorts } = await import('../../app/demo/free-ports.ts');
  const free = await freePorts(PORT_FLAGS.length);
  const usual = PORT_FLAGS.map((name, at) => [name, String(free[at])] as const).filter(
    ([name]) => command.getOptionValueSource(name) === 'default',
  );
  const anyPort = options.capture === 'proxy' ? '127.0.0.1:0' : 'off';
  const { httpProxy = anyPort, socks = anyPort } = options;
  return { ...Object.fromEntries(usual), httpProxy, socks };
}
