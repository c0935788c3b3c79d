import { existsSync, readFileSync } from 'node:fs';

/** One socket of this network namespace, as the kernel lists it in `/proc/net`. */
export interface KernelSocket {
  readonly localPort: number;
  readonly remotePort: number;
  readonly listens: boolean;
  /** Whether all that waits for it is the kernel's question whether the peer is there. */
  readonly keptAlive: boolean;
  /** Names the socket, whichever processes have it, until the last of them closes it. */
  readonly inode: number;
}

const LISTEN = '0A';
const KEEP_ALIVE_TIMER = '02';

/** The sockets of IPv4 and IPv6 for TCP, or for UDP. */
export function kernelSockets(transport: 'tcp' | 'udp' = 'tcp'): readonly KernelSocket[] {
  const tables = [`/proc/net/${transport}`, `/proc/net/${transport}6`];
  return tables.filter(existsSync).flatMap((table) => {
    const [, ...rows] = readFileSync(table, 'latin1').trim().split('\n');
    return rows.map(socketOf);
  });
}

function socketOf(row: string): KernelSocket {
  const [, local = '', remote = '', state, , timer = '', , , , inode] = row.trim().split(/\s+/);
  return {
    ...{ localPort: portOf(local), remotePort: portOf(remote) },
    ...{ listens: state === LISTEN, keptAlive: timer.startsWith(`${KEEP_ALIVE_TIMER}:`) },
    inode: Number(inode),
  };
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16);
}
