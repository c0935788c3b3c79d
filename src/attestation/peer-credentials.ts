import { MeshError } from '../lib/errors.ts';
import { socketOption } from '../lib/socket-option.ts';

/** Who is at the other end of a Unix socket, as the kernel noted when it connected. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid_t, uid_t, gid_t. */
const UCRED_BYTES = 12;

/**
 * Asks the kernel with SO_PEERCRED. The process may have ended since, and its number may be another's:
 * uid and gid are what can be relied on.
 *
 * @throws {MeshError} ERR_UNAUTHENTICATED where `fd` is no connected Unix socket, or this is not Linux.
 */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = socketOption({ fd, level: SOL_SOCKET, name: SO_PEERCRED, bytes: UCRED_BYTES });
  if (ucred === undefined) {
    throw new MeshError(
      'ERR_UNAUTHENTICATED',
      'the kernel does not say who is calling; only Linux tells who is at the end of a Unix socket',
    );
  }
  const [pid = 0, uid = 0, gid = 0] = new Uint32Array(
    ucred.buffer,
    ucred.byteOffset,
    UCRED_BYTES / 4,
  );
  // The kernel gives pid 0 for a process of another pid namespace, and uid -1 for no peer at all.
  if (uid === 0xffff_ffff) {
    throw new MeshError('ERR_UNAUTHENTICATED', 'the socket has no caller at its other end');
  }
  return { pid, uid, gid };
}
