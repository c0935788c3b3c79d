import { userInfo } from 'node:os';
import { messageOf } from './errors.ts';

/**
 * Why the system refused what was asked of a file, and what to do about it, in words that follow its path and a colon:
 * `the disk is full; free some space there and try again`.
 */
export function fileProblem(error: unknown): string {
  switch (errorCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return `${ownUser()} has no right to do that; change the owner or the mode of the file or its directory, or choose another place`;
    case 'EROFS':
      return 'its file system is read-only; make that writable, or choose another place';
    case 'ENOSPC':
      return 'the disk is full; free some space there and try again';
    case 'EDQUOT':
      return `the quota of ${ownUser()} is used up; free some space there or raise it, and try again`;
    case 'ENOENT':
      return 'it does not exist, or a directory or a symbolic link on the way to it leads nowhere; look at the path';
    case 'EEXIST':
      return 'something is there, perhaps a symbolic link that leads nowhere; move it away';
    case 'ENOTDIR':
      return 'a part of the path is not a directory; look at the path';
    case 'EISDIR':
    case 'ERR_FS_EISDIR':
      return 'it is a directory; move that away, or choose another place';
    case 'ELOOP':
      return 'the symbolic links on the way to it have no end; mend or remove them';
    case 'ENAMETOOLONG':
      return 'the path is too long; choose a shorter one';
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open; raise the limit (ulimit -n, LimitNOFILE) and try again';
    case 'ENXIO':
      return 'it is a pipe or a device that nobody serves; give the path of a file';
    case 'EIO':
      return 'the disk failed; look at its health and at the log of the kernel';
    case 'ENOLCK':
    case 'ENOSYS':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
      return 'its file system does not lend locks, as some network file systems do not; choose a place on a local disk';
    default:
      return messageOf(error);
  }
}

/** `ENOENT` of an error of the system; undefined for any other. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** `user "hauberk"`, or its number in a container that runs as a user that no list has. */
export function ownUser(): string {
  try {
    return `user "${userInfo().username}"`;
  } catch {
    return `user ${process.getuid?.() ?? 'of this process'}`;
  }
}
