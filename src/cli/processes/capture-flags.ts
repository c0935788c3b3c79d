import { type Command, Option } from 'commander';
import type { CaptureConfig } from '../../app/capture/capture-config.ts';
import { MeshError } from '../../lib/errors.ts';
import { type Address, parseAddress } from '../address.ts';
import { parseNamedPorts, parsePort } from './port-list.ts';

/** How a sidecar gets connections, as its flags say. */
export interface CaptureFlags {
  readonly capture: 'explicit' | 'redirect' | 'proxy';
  readonly inboundPorts?: string;
  readonly outboundTo: string;
  readonly inboundTo: string;
  readonly dnsTo: string;
  readonly httpProxy?: string;
  readonly socks?: string;
}

const HTTP_PROXY = '127.0.0.1:15080';
const SOCKS = '127.0.0.1:15081';
const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/;

/** Adds the flags of `captureConfigOf`. */
export function withCaptureOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--capture <how>',
        'explicit: by --inbound and --outbound; redirect: by the rules of `hauberk capture up`; proxy: as HTTP and SOCKS proxy',
      )
        .choices(['explicit', 'redirect', 'proxy'])
        .default('explicit'),
    )
    .option(
      '--inbound-ports <[name:]port,…>',
      'with redirect: ports of the application that peers may reach, or "all" (default: all but those of the proxy)',
    )
    .option('--outbound-to <port>', 'with redirect: where the rules bring what is sent', '15001')
    .option('--inbound-to <port>', 'with redirect: where the rules bring what comes in', '15006')
    .option('--dns-to <port>', 'with redirect: where DNS is answered, or "off"', '15053')
    .option(
      '--http-proxy <host:port>',
      `be an HTTP proxy there (with proxy: ${HTTP_PROXY}), or "off"`,
    )
    .option('--socks <host:port>', `be a SOCKS 5 proxy there (with proxy: ${SOCKS}), or "off"`);
}

/** @throws {MeshError} ERR_USAGE quoting what cannot be used. */
export function captureConfigOf(flags: CaptureFlags): CaptureConfig {
  const proxies = flags.capture === 'proxy';
  if (flags.inboundPorts !== undefined && flags.capture !== 'redirect') {
    throw new MeshError(
      'ERR_USAGE',
      '--inbound-ports is for --capture redirect; else use --inbound',
    );
  }
  return {
    redirect: flags.capture === 'redirect' ? redirectOf(flags) : undefined,
    httpProxy: loopbackOf('--http-proxy', flags.httpProxy ?? (proxies ? HTTP_PROXY : 'off')),
    socks: loopbackOf('--socks', flags.socks ?? (proxies ? SOCKS : 'off')),
  };
}

function redirectOf(flags: CaptureFlags): NonNullable<CaptureConfig['redirect']> {
  const { inboundPorts = 'all' } = flags;
  return {
    outboundPort: parsePort(flags.outboundTo),
    inboundPort: parsePort(flags.inboundTo),
    dnsPort: flags.dnsTo === 'off' ? undefined : parsePort(flags.dnsTo),
    inboundPorts: inboundPorts === 'all' ? undefined : parseNamedPorts(inboundPorts),
  };
}

/** Whoever reaches such a proxy calls as this workload: nobody from outside may. */
function loopbackOf(flag: string, text: string): Address | undefined {
  if (text === 'off') return undefined;
  const address = parseAddress(text);
  if (LOOPBACK.test(address.host)) return address;
  throw new MeshError(
    'ERR_USAGE',
    `${flag} "${text}" would lend this workload's identity to other hosts; use a loopback address such as 127.0.0.1`,
  );
}
