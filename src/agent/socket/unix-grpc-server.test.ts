import { Code, createClient } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { SpiffeSocketRig } from '../../../test/kit/spiffe-socket.ts';
import { SpiffeWorkloadAPI } from '../../gen/spiffe/workload_pb.js';

const headers = { 'workload.spiffe.io': 'true' };
/** Longer than clients have for the last words. */
const STILL_MS = 700;

it('tells its clients to come again, also when its process stood still in the moment of the end', async () => {
  await using rig = await SpiffeSocketRig.start();
  const client = createClient(SpiffeWorkloadAPI, rig.transport());
  const stream = client.fetchX509SVID({}, { headers })[Symbol.asyncIterator]();
  expect((await stream.next()).done).toBe(false);
  const ending = expect(stream.next()).rejects.toMatchObject({ code: Code.Unavailable });
  const stopped = rig.stop();
  // So far that the time runs, and nothing has been sent yet.
  for (let step = 0; step < 3; step += 1) await null;
  for (const startMs = performance.now(); performance.now() - startMs < STILL_MS; );
  await ending;
  await stopped;
});
