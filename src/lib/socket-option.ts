import { libcFunction } from './libc-function.ts';

const getsockopt = libcFunction<number, [number, number, number, Buffer, number[]]>(
  'int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)',
);

/** Which option of which socket, by the kernel's numbers. */
export interface SocketOption {
  readonly fd: number;
  readonly level: number;
  readonly name: number;
  /** Length of its value. */
  readonly bytes: number;
}

/** What the kernel says with getsockopt(2); undefined where it has no answer, or this is not Linux. */
export function socketOption({ fd, level, name, bytes }: SocketOption): Buffer | undefined {
  if (process.platform !== 'linux') return undefined;
  const value = Buffer.alloc(bytes);
  return getsockopt(fd, level, name, value, [bytes]) === 0 ? value : undefined;
}

const setsockopt = libcFunction<number, [number, number, number, Buffer, number]>(
  'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
);

/** Sets an option that is a number with setsockopt(2). False: the kernel did not take it, or this is not Linux. */
export function setSocketOption(
  { fd, level, name }: Omit<SocketOption, 'bytes'>,
  value: number,
): boolean {
  if (process.platform !== 'linux') return false;
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return setsockopt(fd, level, name, bytes, bytes.length) === 0;
}
