import type { Server, Socket } from 'node:net';
import { remoteAddress } from '../bytes/socket-addresses.ts';
import { socketChannel } from '../bytes/socket-channel.ts';
import type { OutboundWay } from '../outbound/outbound-listener.ts';
import { type ExplicitProxyOptions, explicitProxyServer } from './explicit-proxy-server.ts';
import { finishWith } from './finish-with.ts';
import { type HttpProxyRequest, readHttpProxyRequest } from './http-proxy-request.ts';
import { readMessage } from './read-message.ts';

const MAX_HEAD_BYTES = 32_768;
const STATUS = { denied: '403 Forbidden', unreachable: '502 Bad Gateway' } as const;

/** An HTTP proxy, as `HTTP_PROXY` names it: CONNECT, and `http://` URLs one request a connection. */
export function httpProxyListener(options: ExplicitProxyOptions): Server {
  return explicitProxyServer(options, serve);
}

async function serve(socket: Socket, { egress, deadlines }: ExplicitProxyOptions): Promise<void> {
  const source = remoteAddress(socket);
  const asked = await readMessage(socket, {
    ...{ read: readHttpProxyRequest, maxBytes: MAX_HEAD_BYTES, deadlines },
  });
  if ('ended' in asked) return void socket.destroy();
  if ('refused' in asked) return refuse(socket, '400 Bad Request', asked.refused);
  const way = await egress.open({ source, target: asked.message.target });
  if ('refused' in way) refuse(socket, STATUS[way.refused], way.why);
  else if (socket.destroyed) way.abandon();
  else join(socket, asked.message, way);
}

function join(
  socket: Socket,
  request: HttpProxyRequest,
  way: Exclude<OutboundWay, { refused: unknown }>,
): void {
  if (request.kind === 'connect') socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  else socket.unshift(Buffer.from(request.head, 'latin1'));
  way.flow(socketChannel(socket));
}

function refuse(socket: Socket, status: string, why: string): void {
  const body = `hauberk: ${why}\n`;
  const head = [
    `HTTP/1.1 ${status}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  finishWith(socket, Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`));
}
