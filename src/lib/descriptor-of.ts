import type { Server, Socket } from 'node:net';

/** The file descriptor of an open socket or a listening server; undefined once it is closed. */
export function descriptorOf(of: Socket | Server): number | undefined {
  // Node.js keeps it in a place that it does not document, and offers no other.
  const { _handle: handle } = of as unknown as { _handle?: { readonly fd: number } | null };
  return handle == null || handle.fd < 0 ? undefined : handle.fd;
}
