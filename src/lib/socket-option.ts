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
