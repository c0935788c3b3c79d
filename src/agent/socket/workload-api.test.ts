import { X509Certificate } from 'node:crypto';
import { Code, createClient } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { FRONTEND, SpiffeSocketRig } from '../../../test/kit/spiffe-socket.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { SpiffeWorkloadAPI, type X509SVIDResponse } from '../../gen/spiffe/workload_pb.js';

const headers = { 'workload.spiffe.io': 'true' };

function clientOf(rig: SpiffeSocketRig) {
  return createClient(SpiffeWorkloadAPI, rig.transport());
}

async function nextOf<T>(stream: AsyncIterator<T>): Promise<T> {
  const { value, done } = await stream.next();
  if (done === true) throw new Error('the stream has ended');
  return value;
}

function serialIn(response: X509SVIDResponse): string {
  const der = response.svids[0]?.x509Svid ?? new Uint8Array();
  return new X509Certificate(der).serialNumber.toLowerCase();
}

it('gives the whole identity at once, and again with each rotation', async () => {
  await using rig = await SpiffeSocketRig.start();
  const stream = clientOf(rig).fetchX509SVID({}, { headers })[Symbol.asyncIterator]();
  const first = await nextOf(stream);
  const { svid, bundle } = rig.identity.current;
  expect(first.svids).toHaveLength(1);
  expect(first.svids[0]).toMatchObject({ spiffeId: FRONTEND, hint: '' });
  expect(Buffer.from(first.svids[0]?.x509Svid ?? [])).toEqual(
    Buffer.concat(svid.chain.map(({ der }) => der)),
  );
  expect(Buffer.from(first.svids[0]?.x509SvidKey ?? [])).toEqual(
    svid.privateKey.export({ type: 'pkcs8', format: 'der' }),
  );
  expect(Buffer.from(first.svids[0]?.bundle ?? [])).toEqual(
    Buffer.concat(bundle.x509Authorities.map(({ der }) => der)),
  );
  for (let i = 0; i < 3; i++) {
    const serial = rig.rotate();
    expect(BigInt(`0x${serialIn(await nextOf(stream))}`)).toBe(BigInt(`0x${serial}`));
  }
});

it('gives the bundles by trust domain ID, the own one included', async () => {
  await using rig = await SpiffeSocketRig.start();
  const stream = clientOf(rig).fetchX509Bundles({}, { headers })[Symbol.asyncIterator]();
  const { bundles } = await nextOf(stream);
  expect(Object.keys(bundles)).toEqual(['spiffe://cluster.local']);
  expect(Buffer.from(bundles['spiffe://cluster.local'] ?? [])).toEqual(
    Buffer.from(rig.authority.root.der),
  );
});

it('gives federated bundles beside the own one, and takes them away again', async () => {
  await using rig = await SpiffeSocketRig.start();
  const partner = testAuthority({ trustDomain: 'partner.example' });
  const svids = clientOf(rig).fetchX509SVID({}, { headers })[Symbol.asyncIterator]();
  const bundles = clientOf(rig).fetchX509Bundles({}, { headers })[Symbol.asyncIterator]();
  expect((await nextOf(svids)).federatedBundles).toEqual({});
  expect(Object.keys((await nextOf(bundles)).bundles)).toEqual(['spiffe://cluster.local']);
  rig.identity.set({ ...rig.identity.current, federated: [partner.bundle] });
  const { federatedBundles } = await nextOf(svids);
  expect(Object.keys(federatedBundles)).toEqual(['spiffe://partner.example']);
  expect(Buffer.from(federatedBundles['spiffe://partner.example'] ?? [])).toEqual(
    Buffer.from(partner.root.der),
  );
  expect(Object.keys((await nextOf(bundles)).bundles)).toEqual([
    'spiffe://cluster.local',
    'spiffe://partner.example',
  ]);
  rig.identity.set({ ...rig.identity.current, federated: [] });
  expect((await nextOf(svids)).federatedBundles).toEqual({});
});

it.each<[string, Headers]>([
  ['no header', new Headers()],
  ['another value', new Headers([['workload.spiffe.io', 'True']])],
  [
    'the header twice',
    new Headers([
      ['workload.spiffe.io', 'true'],
      ['workload.spiffe.io', 'true'],
    ]),
  ],
])('refuses a request with %s for good', async (_what, wrong) => {
  await using rig = await SpiffeSocketRig.start();
  const client = clientOf(rig);
  const stream = client.fetchX509SVID({}, { headers: wrong })[Symbol.asyncIterator]();
  await expect(stream.next()).rejects.toMatchObject({ code: Code.InvalidArgument });
});

it('answers Unavailable while there is only an expired certificate', async () => {
  const clock = new ManualClock(Date.now());
  await using rig = await SpiffeSocketRig.start({ clock });
  await clock.advance(25 * 3_600_000);
  const client = clientOf(rig);
  const stream = client.fetchX509SVID({}, { headers })[Symbol.asyncIterator]();
  await expect(stream.next()).rejects.toMatchObject({
    code: Code.Unavailable,
    message: expect.stringMatching(/expired at 20\d\d-.*not renewed/),
  });
});

it('ends its streams with Unavailable when the agent stops', async () => {
  await using rig = await SpiffeSocketRig.start();
  const stream = clientOf(rig).fetchX509SVID({}, { headers })[Symbol.asyncIterator]();
  await nextOf(stream);
  const waiting = expect(stream.next()).rejects.toMatchObject({ code: Code.Unavailable });
  await rig.stop();
  await waiting;
});
