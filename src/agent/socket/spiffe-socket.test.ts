import { existsSync, statSync } from 'node:fs';
import { connect } from 'node:http2';
import { connect as dial } from 'node:net';
import { Code, createClient } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { SpiffeSocketRig } from '../../../test/kit/spiffe-socket.ts';
import { SecretDiscoveryService } from '../../gen/envoy/service/secret/v3/sds_pb.js';
import { Health, HealthCheckResponse_ServingStatus } from '../../gen/grpc/health/v1/health_pb.js';
import { SpiffeWorkloadAPI } from '../../gen/spiffe/workload_pb.js';
import { openSpiffeSocket } from './spiffe-socket.ts';

const headers = { 'workload.spiffe.io': 'true' };
const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;

it('gives nothing to a process of another user', async () => {
  const uid = (process.getuid?.() ?? 0) + 1;
  await using rig = await SpiffeSocketRig.start({ allowedUids: [uid] });
  const transport = rig.transport();
  const denied = { code: Code.PermissionDenied };
  const stream = createClient(SpiffeWorkloadAPI, transport).fetchX509SVID({}, { headers });
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject(denied);
  const sds = createClient(SecretDiscoveryService, transport);
  await expect(sds.fetchSecrets({ resourceNames: ['default'] })).rejects.toMatchObject(denied);
  expect(rig.refused).toMatchObject([
    { caller: { uid: uid - 1, pid: process.pid }, method: 'FetchX509SVID' },
    { method: 'FetchSecrets' },
  ]);
});

it('lets only its owner open the socket file, unless others are allowed', async () => {
  const uid = process.getuid?.() ?? 0;
  await using own = await SpiffeSocketRig.start();
  await using shared = await SpiffeSocketRig.start({ allowedUids: [uid, uid + 1] });
  const modeOf = ({ path }: SpiffeSocketRig) => statSync(path).mode & 0o777;
  expect([modeOf(own), modeOf(shared)]).toEqual([0o600, 0o666]);
});

it('is taken over without a moment in which nothing answers, and removed only at the end', async () => {
  await using rig = await SpiffeSocketRig.start();
  const stopFirst = rig.stop;
  await rig.start();
  await stopFirst();
  expect(existsSync(rig.path)).toBe(true);
  const { status } = await createClient(Health, rig.transport()).check({});
  expect(status).toBe(SERVING);
  await rig.stop();
  expect(existsSync(rig.path)).toBe(false);
});

it('says by gRPC health whether it has a certificate to give', async () => {
  const clock = new ManualClock(Date.now());
  await using rig = await SpiffeSocketRig.start({ clock });
  const client = createClient(Health, rig.transport());
  expect((await client.check({ service: 'SpiffeWorkloadAPI' })).status).toBe(SERVING);
  await expect(client.check({ service: 'other' })).rejects.toMatchObject({ code: Code.NotFound });
  const watch = client.watch({ service: 'other' })[Symbol.asyncIterator]();
  expect((await watch.next()).value).toMatchObject({ status: SERVICE_UNKNOWN });
  await clock.advance(25 * 3_600_000);
  expect((await client.check({})).status).toBe(NOT_SERVING);
});

it('ends although a client does not read what it is sent', async () => {
  await using rig = await SpiffeSocketRig.start();
  const client = createClient(SpiffeWorkloadAPI, rig.transport());
  await client.fetchX509SVID({}, { headers })[Symbol.asyncIterator]().next();
  rig.rotate();
  await rig.stop();
});

it('says what is wrong with a path that cannot be a socket', async () => {
  await using rig = await SpiffeSocketRig.start();
  const opening = openSpiffeSocket({
    ...{ socketPath: `${rig.path}${'x'.repeat(120)}`, identity: rig.identity, ownUid: 0 },
    tokens: { get: () => Promise.reject(new Error('not asked')) },
    clock: new ManualClock(),
    allowedUids: [0],
    events: { secretRejected: () => undefined, callerRefused: () => undefined },
  });
  await expect(opening).rejects.toMatchObject({ code: 'ERR_LISTEN' });
});

it('answers Unimplemented to methods of later specifications, such as those for WIT-SVIDs', async () => {
  await using rig = await SpiffeSocketRig.start();
  const session = connect('http://localhost', { createConnection: () => dial(rig.path) });
  const request = session.request({
    ...{ ':method': 'POST', ':path': '/SpiffeWorkloadAPI/FetchWITSVID' },
    ...{ 'content-type': 'application/grpc', te: 'trailers', ...headers },
  });
  request.end();
  const answer = await new Promise((resolve) => request.once('response', resolve));
  expect(answer).toMatchObject({ ':status': 200, 'grpc-status': String(Code.Unimplemented) });
  session.destroy();
});
