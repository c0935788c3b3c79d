import type { Socket } from 'node:net';
import { descriptorOf } from './descriptor-of.ts';
import { socketOption } from './socket-option.ts';

/** How the peer of a TCP connection answers what it is sent, as the kernel knows it. */
export interface TcpProgress {
  /** How often the oldest of it, or the question whether there is room again, went out anew. */
  readonly unanswered: number;
  /** How long ago the peer acknowledged anything, in milliseconds. */
  readonly heardAgoMs: number;
}

/** Undefined where that is not known. */
export type TcpProgressOf = (socket: Socket) => TcpProgress | undefined;

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** struct tcp_info of <linux/tcp.h>, as far as it is read. */
const BYTES = 60;
const RETRANSMITS = 2;
const PROBES = 3;
const LAST_ACK_RECEIVED = 56;

/** Asks the kernel, which takes 2 microseconds. */
export const tcpProgress: TcpProgressOf = (socket) => {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  const info = socketOption({ fd, level: IPPROTO_TCP, name: TCP_INFO, bytes: BYTES });
  if (info === undefined) return undefined;
  return {
    unanswered: info.readUInt8(RETRANSMITS) + info.readUInt8(PROBES),
    heardAgoMs: info.readUInt32LE(LAST_ACK_RECEIVED),
  };
};
