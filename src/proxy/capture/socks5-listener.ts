import type { Server, Socket } from 'node:net';
import { remoteAddress } from '../bytes/socket-addresses.ts';
import { socketChannel } from '../bytes/socket-channel.ts';
import { type ExplicitProxyOptions, explicitProxyServer } from './explicit-proxy-server.ts';
import { finishWith } from './finish-with.ts';
import { readMessage } from './read-message.ts';
import {
  methodReply,
  readGreeting,
  readSocksRequest,
  SOCKS_REPLY,
  socksReply,
} from './socks5-messages.ts';

/** A greeting has 257 bytes at most, a request 262. */
const MAX_BYTES = 262;
const REPLIES = { denied: SOCKS_REPLY.notAllowed, unreachable: SOCKS_REPLY.hostUnreachable };

/** A SOCKS 5 proxy (RFC 1928): CONNECT without authentication; names are looked up here. */
export function socks5Listener(options: ExplicitProxyOptions): Server {
  return explicitProxyServer(options, serve);
}

async function serve(socket: Socket, { egress, deadlines }: ExplicitProxyOptions): Promise<void> {
  const source = remoteAddress(socket);
  const greeting = await readMessage(socket, {
    read: readGreeting,
    maxBytes: MAX_BYTES,
    deadlines,
  });
  if (!('message' in greeting)) return void socket.destroy();
  const { withoutAuthentication } = greeting.message;
  if (!withoutAuthentication) return finishWith(socket, methodReply(false));
  socket.write(methodReply(true));
  const asked = await readMessage(socket, {
    ...{ read: readSocksRequest, maxBytes: MAX_BYTES, deadlines },
  });
  if ('ended' in asked) return void socket.destroy();
  if ('refused' in asked) return finishWith(socket, socksReply(SOCKS_REPLY.failed));
  const { message } = asked;
  if ('unsupported' in message) {
    return finishWith(socket, socksReply(SOCKS_REPLY[message.unsupported]));
  }
  const way = await egress.open({ source, target: message.target });
  if ('refused' in way) return finishWith(socket, socksReply(REPLIES[way.refused]));
  if (socket.destroyed) return way.abandon();
  socket.write(socksReply(SOCKS_REPLY.succeeded));
  way.flow(socketChannel(socket));
}
