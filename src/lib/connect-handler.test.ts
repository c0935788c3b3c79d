import { connect, createServer, type OutgoingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { expect, it, onTestFinished } from 'vitest';
import { Health } from '../gen/grpc/health/v1/health_pb.js';
import { connectHandler, type Http2Handler } from './connect-handler.ts';

const adapter = connectNodeAdapter({ routes: (router) => router.service(Health, {}) });

/** The status of one request to a server that runs `handler`. */
async function ask(handler: Http2Handler, headers: OutgoingHttpHeaders): Promise<unknown> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  const request = session.request({
    ...{ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check' },
    ...{ 'content-type': 'application/grpc', te: 'trailers', ...headers },
  });
  request.end();
  return await new Promise((resolve, reject) => {
    request.once('response', (response) => resolve(response[':status']));
    request.once('error', reject);
  });
}

it.each(['tmp%2Fagent.sock', '[', 'x:99999999'])(
  'answers a request whose authority is "%s"',
  async (authority) => {
    expect(await ask(connectHandler(adapter), { ':authority': authority })).toBe(200);
  },
);

it('answers 400 where the handler throws', async () => {
  const throwing = connectHandler(() => {
    throw new TypeError('unforeseen');
  });
  expect(await ask(throwing, {})).toBe(400);
});
