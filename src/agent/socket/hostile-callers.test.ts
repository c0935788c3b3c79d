import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as dial } from 'node:net';
import { Code, createClient } from '@connectrpc/connect';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import {
  hostileDeltaRequests,
  hostileRequestBytes,
  hostileSecretRequests,
  playDeltaRequests,
  playRequestBytes,
  playSecretRequests,
} from '../../../test/kit/hostile-requests.ts';
import { SpiffeSocketRig } from '../../../test/kit/spiffe-socket.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.js';
import { MeshError } from '../../lib/errors.ts';

/** Refusing is an answer. */
function orRefused<T>(play: (input: T) => void): (input: T) => void {
  return (input) => {
    try {
      play(input);
    } catch (error) {
      if (!MeshError.is(error)) throw error;
    }
  };
}

it('a stream of secrets answers any requests with secrets, one response at a time, or refuses', () => {
  fc.assert(fc.property(hostileSecretRequests, orRefused(playSecretRequests)), { numRuns: 300 });
  fc.assert(fc.property(hostileDeltaRequests, orRefused(playDeltaRequests)), { numRuns: 300 });
  fc.assert(fc.property(hostileRequestBytes, playRequestBytes), { numRuns: 500 });
});

const METHODS = [
  ...['FetchX509SVID', 'FetchX509Bundles', 'FetchJWTSVID', 'FetchWITSVID', '', '../x'].map(
    (method) => `/SpiffeWorkloadAPI/${method}`,
  ),
  ...['StreamSecrets', 'DeltaSecrets', 'FetchSecrets'].map(
    (method) => `/envoy.service.secret.v3.SecretDiscoveryService/${method}`,
  ),
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/grpc.health.v1.Health/Check',
  '/',
];

/** A gRPC envelope around anything: its length may lie, its flags may be unknown. */
const envelope = fc
  .tuple(
    fc.constantFrom(0, 0, 0, 1, 2, 128),
    hostileRequestBytes,
    fc.constantFrom(0, 0, 0, 1, -1, 1e6),
  )
  .map(([flags, message, lie]) => {
    const head = Buffer.alloc(5);
    head[0] = flags;
    head.writeUInt32BE(Math.max(0, message.length + lie), 1);
    return Buffer.concat([head, message]);
  });
const call = fc.record({
  path: fc.constantFrom(...METHODS),
  header: fc.constantFrom('true', 'true', 'True', ''),
  body: fc.oneof(
    envelope,
    fc.array(envelope, { maxLength: 4 }).map((parts) => Buffer.concat(parts)),
  ),
  end: fc.boolean(),
});

/** One call; resolves when it was answered, refused, or given up by us. */
function make(
  session: ClientHttp2Session,
  { path, header, body, end }: { path: string; header: string; body: Buffer; end: boolean },
): Promise<void> {
  return new Promise((resolve) => {
    const request = session.request({
      ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
      'workload.spiffe.io': header,
    });
    request.on('error', () => undefined);
    request.once('close', resolve);
    // What is answered and goes on is a stream; what has no end of ours waits for more, rightly.
    request.once('data', () => request.close());
    request.resume();
    if (end) request.end(body);
    else {
      request.write(body);
      setTimeout(() => request.close(), 20);
    }
  });
}

it('the socket answers whatever is sent to its methods, and everybody else after it', async () => {
  await using rig = await SpiffeSocketRig.start();
  const session = connect('http://localhost', { createConnection: () => dial(rig.path) });
  session.on('error', () => undefined);
  await fc.assert(
    fc.asyncProperty(call, (each) => make(session, each)),
    { numRuns: 150 },
  );
  session.destroy();
  const health = createClient(Health, rig.transport());
  expect(await health.check({})).toMatchObject({ status: 1 });
  await expect(health.check({ service: 'x' })).rejects.toMatchObject({ code: Code.NotFound });
  await eventually('no stream is left behind', () => rig.socket.sds.clients.length === 0);
});
