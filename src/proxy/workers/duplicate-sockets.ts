import {
  canPassDescriptors,
  closeDescriptor,
  duplicateDescriptor,
} from '../../lib/pass-descriptors.ts';
import type { ListeningSocket } from '../listen.ts';

/** One more descriptor of each socket, for who will close it; none where there are not enough left for all. */
export function duplicateSockets(sockets: readonly ListeningSocket[]): readonly ListeningSocket[] {
  if (!canPassDescriptors) return [];
  const made: ListeningSocket[] = [];
  try {
    for (const socket of sockets) made.push({ ...socket, fd: duplicateDescriptor(socket.fd) });
    return made;
  } catch {
    for (const { fd } of made) closeDescriptor(fd);
    return [];
  }
}
