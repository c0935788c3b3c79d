import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { type Address, formatAddress } from '../../address.ts';

const DNS_PORT = 53;
/** As the C library: what comes after the third is not read. */
const MAX_SERVERS = 3;
const LARGEST_FILE = 65_536;

/** Whom the C library asks when the file names nobody. */
const DEFAULT_SERVER: Address = { host: '127.0.0.1', port: DNS_PORT };

/** The servers that a resolv.conf names, in order, at most three; this host's own for none (resolv.conf(5)). */
export function parseResolvConf(text: string): readonly Address[] {
  const named = text
    .slice(0, LARGEST_FILE)
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '')
    .filter((host) => isIP(host) !== 0)
    .slice(0, MAX_SERVERS)
    .map((host) => ({ host, port: DNS_PORT }));
  return named.length > 0 ? named : [DEFAULT_SERVER];
}

/** The servers of a resolv.conf file, read again when the file has changed. */
export class Resolvers {
  readonly #path: string;
  readonly #own: ReadonlySet<string>;
  #version = '';
  #servers: readonly Address[] = parseResolvConf('');

  /** @param own where we answer ourselves; never asked, for that would go on for ever. */
  constructor(path: string, own: readonly Address[]) {
    this.#path = path;
    this.#own = new Set(own.map(formatAddress));
  }

  /** The last ones that were read; where the file is away, those of a file that names nobody. */
  get current(): readonly Address[] {
    try {
      const { mtimeMs, ino, size } = statSync(this.#path);
      const version = `${mtimeMs} ${ino} ${size}`;
      if (version !== this.#version) {
        const servers = parseResolvConf(readFileSync(this.#path, 'utf8'));
        this.#servers = servers.filter((each) => !this.#own.has(formatAddress(each)));
        this.#version = version;
      }
    } catch {
      // Whoever replaces it may take it away for a moment: the last ones are better than none.
    }
    return this.#servers;
  }
}
