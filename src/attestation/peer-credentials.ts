import { load as loadLibrary } from 'koffi';
import { MeshError } from '../lib/errors.ts';

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

type GetSockOpt = (
  fd: number,
  level: number,
  name: number,
  value: Buffer,
  length: number[],
) => number;

/** Looked up at the first call. */
let getsockopt: GetSockOpt | undefined;

/**
 * Asks the kernel with SO_PEERCRED. The process may have ended since, and its number may be another's:
 * uid and gid are what can be relied on.
 *
 * @throws {MeshError} ERR_UNAUTHENTICATED where `fd` is no connected Unix socket, or this is not Linux.
 */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = Buffer.alloc(UCRED_BYTES);
  const length = [UCRED_BYTES];
  if (process.platform !== 'linux' || load()(fd, SOL_SOCKET, SO_PEERCRED, ucred, length) !== 0) {
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

function load(): GetSockOpt {
  getsockopt ??= loadLibrary(null).func(
    'int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)',
  );
  return getsockopt;
}
