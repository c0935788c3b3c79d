import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { outsideAddress } from '../../app/sidecar/outside-address.ts';
import type { SidecarConfig } from '../../app/sidecar/sidecar-config.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { packageVersion } from '../../lib/package-version.ts';
import { readSmallFile } from '../../lib/small-file.ts';
import { type Address, parseAddress } from '../address.ts';
import { dataDirOf, withExamples } from '../options.ts';
import { untilStopped } from '../until-stopped.ts';
import { type CaptureFlags, captureConfigOf, withCaptureOptions } from './capture-flags.ts';
import { monitoringAddress } from './monitoring-flags.ts';
import {
  type InboundFlag,
  type OutboundFlag,
  parseConcurrency,
  parseInbound,
  parseOutbound,
  parseUid,
  spiffeSocketOf,
} from './sidecar-flags.ts';
import { sidecarStatusCommand } from './sidecar-status-command.ts';
import {
  DEFAULT_FILE_NAMES,
  RELOAD_SIGNALS,
  type SvidFilesFlags,
  svidFilesOf,
} from './svid-files-flags.ts';

export interface SidecarOptions extends SvidFilesFlags, CaptureFlags {
  readonly controlPlane: string;
  readonly tokenFile?: string;
  readonly stateDir?: string;
  readonly name?: string;
  readonly inbound: readonly InboundFlag[];
  readonly outbound: readonly OutboundFlag[];
  readonly hbone?: string;
  readonly concurrency: number;
  readonly advertiseAddress?: string;
  readonly advertiseHbonePort?: string;
  readonly spiffeSocket?: string;
  readonly allowUid: readonly number[];
  readonly serveRegistered?: boolean;
  readonly drainTimeout: string;
  readonly metrics?: string;
  readonly readiness?: string;
  readonly accessLog: 'all' | 'refused';
}

const HBONE_PORT = 15_008;
const LARGEST_TOKEN_BYTES = 16 * 1024;
/** Of `--token-file <(hauberk token create …)`. */
const TOKEN_PIPE_MS = 10_000;

/** `hauberk sidecar`: one workload's agent and proxy in the foreground. */
export function sidecarCommand(): Command {
  const command = withSidecarOptions(
    new Command('sidecar').description(
      'run the sidecar of one workload; a second one on the same state directory takes over from the first without dropping a connection',
    ),
  )
    .addCommand(sidecarStatusCommand())
    .action(run);
  return withExamples(
    command,
    'hauberk sidecar --token-file reviews.token --inbound http:0.0.0.0:8080=127.0.0.1:9080',
    'hauberk sidecar --token-file web.token --outbound 127.0.0.1:7001=products.shop.svc.cluster.local:8080',
    'hauberk sidecar --token-file web.token --capture redirect --inbound-ports http:8080',
    'hauberk sidecar --token-file web.token --spiffe-socket /run/hauberk/web.sock --allow-uid 1000',
    'hauberk sidecar --token-file web.token --svid-files /etc/nginx/svid --on-rotate "nginx -s reload" --verify-tls 127.0.0.1:443',
  );
}

/** Adds what a sidecar can be told, for the commands that run one. */
export function withSidecarOptions(command: Command): Command {
  return withCaptureOptions(command)
    .option('--control-plane <host:port>', 'the control plane', '127.0.0.1:15012')
    .option('--token-file <path>', 'file with the enrolment token (or $HAUBERK_TOKEN); needed once')
    .option(
      '--state-dir <path>',
      'private directory of this sidecar (default: <data dir>/sidecars/<name>)',
    )
    .option('--name <name>', 'name of the workload (default: service account and host name)')
    .option(
      '--inbound <[name:]host:port=host:port>',
      'where peers come in = where the application listens; may be repeated',
      collect(parseInbound),
      [],
    )
    .option(
      '--outbound <host:port=service:port>',
      'where the application connects = which service that is; may be repeated',
      collect(parseOutbound),
      [],
    )
    .option(
      '--hbone <host:port>',
      'where other sidecars come in (default: 0.0.0.0:15008, or [::]:15008 where they reach this host by IPv6)',
    )
    .option(
      '--concurrency <n>',
      'how many threads carry connections; 0 is one for each core',
      parseConcurrency,
      1,
    )
    .option(
      '--advertise-address <ip>',
      'where peers reach this host, when that is not where it listens',
    )
    .option(
      '--advertise-hbone-port <port>',
      'the HBONE port that peers are told, when that is another one',
    )
    .option(
      '--spiffe-socket <path>',
      'where programs get the identity: SPIFFE Workload API, Envoy SDS (default: <state dir>/spiffe.sock)',
    )
    .option(
      '--allow-uid <uid>',
      'user whose processes may use that socket (default: the own one); may be repeated',
      collect(parseUid),
      [],
    )
    .option(
      '--serve-registered',
      'give processes that a WorkloadRegistration for this agent describes its identity on that socket',
    )
    .option(
      '--metrics <host:port>',
      'metrics for Prometheus, or "off" (default: 127.0.0.1:15020 if that is free)',
    )
    .option(
      '--readiness <host:port>',
      '/healthz/ready, or "off" (default: 127.0.0.1:15021 if that is free)',
    )
    .option(
      '--svid-files <directory>',
      'also write certificate, key and roots there as PEM files, for a program that can read nothing else',
    )
    .option(
      '--svid-file-names <certificate,key,roots>',
      `what the files are called (default: ${DEFAULT_FILE_NAMES})`,
    )
    .option('--on-rotate <command>', 'run by /bin/sh each time the files have changed')
    .option('--reload-pid-file <path>', 'instead, signal the process whose number is in that file')
    .addOption(new Option('--reload-signal <name>', 'which signal').choices(RELOAD_SIGNALS))
    .option(
      '--verify-tls <host:port>',
      'where a TLS handshake must then show the new certificate; a warning if it does not',
    )
    .option('--drain-timeout <duration>', 'how long open connections may go on at the end', '30s')
    .addOption(
      new Option('--access-log <mode>', 'what to log')
        .choices(['all', 'refused'])
        .default('refused'),
    );
}

async function run(options: SidecarOptions): Promise<void> {
  const { runSidecar } = await import('../../app/sidecar/sidecar.ts');
  const config = sidecarConfigOf(options);
  await untilStopped((signal) => runSidecar(config, signal));
}

/** @throws {MeshError} ERR_USAGE quoting what cannot be used. */
export function sidecarConfigOf(options: SidecarOptions): SidecarConfig {
  const stateDir = options.stateDir ?? join(dataDirOf({}), 'sidecars', options.name ?? 'default');
  return {
    controlPlane: parseAddress(options.controlPlane),
    stateDir,
    spiffeSocket: spiffeSocketOf(options, stateDir, process.getuid?.() ?? 0),
    svidFiles: svidFilesOf(options),
    token: readToken(options.tokenFile),
    name: options.name,
    inbound: options.inbound,
    outbound: options.outbound,
    hbone: options.hbone === undefined ? usualHbone(options) : parseAddress(options.hbone),
    concurrency: options.concurrency,
    advertise: { host: options.advertiseAddress, hbonePort: portOf(options.advertiseHbonePort) },
    drainTimeoutMs: parseDuration(options.drainTimeout),
    monitoring: {
      metrics: monitoringAddress(options.metrics, 15_020),
      readiness: monitoringAddress(options.readiness, 15_021),
      version: packageVersion(),
    },
    rootNamespace: 'istio-system',
    accessLog: options.accessLog,
    capture: captureConfigOf(options),
  };
}

/** All addresses of the family by which peers reach this host. */
function usualHbone({ advertiseAddress }: SidecarOptions): Address {
  const reached = advertiseAddress ?? outsideAddress(networkInterfaces());
  return { host: reached.includes(':') ? '::' : '0.0.0.0', port: HBONE_PORT };
}

/** A token is a secret: it comes from a file or the environment, never from the command line. */
function readToken(file: string | undefined): string | undefined {
  if (file === undefined) return process.env['HAUBERK_TOKEN'];
  try {
    const wanted = { path: file, what: 'token file', maxBytes: LARGEST_TOKEN_BYTES };
    return readSmallFile({ ...wanted, pipeMs: TOKEN_PIPE_MS }).trim();
  } catch (cause) {
    throw new MeshError('ERR_USAGE', messageOf(cause), { cause });
  }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new MeshError('ERR_USAGE', `"${text}" is not a port`);
}

function collect<T>(
  parse: (text: string) => T,
): (text: string, previous: readonly T[]) => readonly T[] {
  return (text, previous) => [...previous, parse(text)];
}
