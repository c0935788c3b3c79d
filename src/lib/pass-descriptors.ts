import { errno, load as loadLibrary, pointer, struct } from 'koffi';
import { MeshError } from './errors.ts';

/** One file descriptor on its way to another process, and what it is. */
export interface PassedDescriptor {
  readonly fd: number;
  /** At most `MAX_NOTE_BYTES` in UTF-8, and not empty. */
  readonly note: string;
}

const MAX_NOTE_BYTES = 1_024;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const F_DUPFD_CLOEXEC = 1030;
/** struct cmsghdr with one descriptor, as CMSG_SPACE pads it and as CMSG_LEN counts it. */
const CONTROL_SPACE = 24;
const CONTROL_BYTES = 20;
const EAGAIN = 11;

interface MessageHeader {
  readonly msg_name: null;
  readonly msg_namelen: number;
  readonly msg_iov: readonly { readonly iov_base: Buffer; readonly iov_len: number }[];
  readonly msg_iovlen: number;
  readonly msg_control: Buffer;
  readonly msg_controllen: number;
  readonly msg_flags: number;
}

interface Calls {
  readonly sendmsg: (fd: number, message: MessageHeader, flags: number) => number;
  readonly recvmsg: (fd: number, message: MessageHeader, flags: number) => number;
  readonly fcntl: (fd: number, command: number, least: number) => number;
  readonly close: (fd: number) => number;
}

/** Looked up at the first call: nobody who passes none pays for it. */
let calls: Calls | undefined;

/** Whether descriptors can be passed here: only Linux's structures are known. */
export const canPassDescriptors: boolean = process.platform === 'linux';

/**
 * Sends one descriptor over the connected Unix socket `to`; both ends then have it. False: the socket is full,
 * try again later.
 *
 * @throws {MeshError} ERR_UNREACHABLE when the other side is gone.
 */
export function sendDescriptor(to: number, { fd, note }: PassedDescriptor): boolean {
  const control = Buffer.alloc(CONTROL_SPACE);
  control.writeBigUInt64LE(BigInt(CONTROL_BYTES), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd, 16);
  const sent = load().sendmsg(to, header(Buffer.from(note), control), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) return true;
  if (errno() === EAGAIN) return false;
  throw failed('send a descriptor', 'ERR_UNREACHABLE');
}

/**
 * The next descriptor that came over the connected Unix socket `from`; `'later'` when none is there yet and
 * `'end'` when none will come.
 *
 * @throws {MeshError} ERR_UNREACHABLE when the other side is gone, ERR_WIRE when it sent something else.
 */
export function receiveDescriptor(from: number): PassedDescriptor | 'later' | 'end' {
  const control = Buffer.alloc(CONTROL_SPACE);
  const note = Buffer.alloc(MAX_NOTE_BYTES);
  const bytes = load().recvmsg(from, header(note, control), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (bytes === 0) return 'end';
  if (bytes < 0) {
    if (errno() === EAGAIN) return 'later';
    throw failed('receive a descriptor', 'ERR_UNREACHABLE');
  }
  const [level, type] = [control.readInt32LE(8), control.readInt32LE(12)];
  if (level !== SOL_SOCKET || type !== SCM_RIGHTS) {
    throw new MeshError('ERR_WIRE', 'a message came that should have had a descriptor with it');
  }
  return { fd: control.readInt32LE(16), note: note.toString('utf8', 0, bytes) };
}

/** Another descriptor of what `fd` is one of. @throws {MeshError} ERR_LIMIT when this process may have no more. */
export function duplicateDescriptor(fd: number): number {
  const copy = load().fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw failed(`duplicate descriptor ${fd}`, 'ERR_LIMIT');
  return copy;
}

/** Closes one that nothing of Node's knows. */
export function closeDescriptor(fd: number): void {
  load().close(fd);
}

function header(data: Buffer, control: Buffer): MessageHeader {
  return {
    ...{ msg_name: null, msg_namelen: 0, msg_flags: 0 },
    ...{ msg_iov: [{ iov_base: data, iov_len: data.length }], msg_iovlen: 1 },
    ...{ msg_control: control, msg_controllen: control.length },
  };
}

function failed(what: string, code: 'ERR_UNREACHABLE' | 'ERR_LIMIT'): MeshError {
  return new MeshError(code, `cannot ${what}: error ${errno()} of the system`);
}

function load(): Calls {
  if (calls !== undefined) return calls;
  const library = loadLibrary(null);
  const iovec = struct({ iov_base: 'void *', iov_len: 'size_t' });
  const msghdr = struct({
    ...{ msg_name: 'void *', msg_namelen: 'uint32_t' },
    ...{ msg_iov: pointer(iovec), msg_iovlen: 'size_t' },
    ...{ msg_control: 'void *', msg_controllen: 'size_t', msg_flags: 'int' },
  });
  const message = ['int', pointer(msghdr), 'int'];
  calls = {
    sendmsg: library.func('sendmsg', 'intptr_t', message),
    recvmsg: library.func('recvmsg', 'intptr_t', message),
    fcntl: library.func('int fcntl(int fd, int command, int least)'),
    close: library.func('int close(int fd)'),
  };
  return calls;
}
