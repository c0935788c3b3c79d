import { readFileSync } from 'node:fs';

/** One TCP socket of this host and network namespace, as `/proc/net/tcp` shows it. */
export interface KernelSocket {
  readonly localPort: number;
  readonly remotePort: number;
  readonly listens: boolean;
  /** Whether all that waits for it is the kernel's question whether the peer is there. */
  readonly keptAlive: boolean;
  readonly inode: number;
}

const LISTEN = '0A';
const KEEP_ALIVE_TIMER = '02';

/** The IPv4 sockets for TCP, or for UDP. */
export function kernelSockets(transport: 'tcp' | 'udp' = 'tcp'): readonly KernelSocket[] {
  const [, ...rows] = readFileSync(`/proc/net/${transport}`, 'latin1').trim().split('\n');
  return rows.map((row) => {
    const [, local = '', remote = '', state, , timer = '', , , , inode] = row.trim().split(/\s+/);
    return {
      ...{ localPort: portOf(local), remotePort: portOf(remote) },
      ...{ listens: state === LISTEN, keptAlive: timer.startsWith(`${KEEP_ALIVE_TIMER}:`) },
      inode: Number(inode),
    };
  });
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16);
}
