import { Code, createClient } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { FRONTEND, SpiffeSocketRig } from '../../../test/kit/spiffe-socket.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { SpiffeWorkloadAPI } from '../../gen/spiffe/workload_pb.js';
import { MeshError } from '../../lib/errors.ts';
import { signJwtSvid } from '../../spiffe/jwt-svid.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';

const headers = { 'workload.spiffe.io': 'true' };
const ADMIN = 'spiffe://cluster.local/ns/shop/sa/admin';

function clientOf(rig: SpiffeSocketRig) {
  return createClient(SpiffeWorkloadAPI, rig.transport());
}

async function fetched(rig: SpiffeSocketRig, ...audience: string[]): Promise<string> {
  const { svids } = await clientOf(rig).fetchJWTSVID({ audience }, { headers });
  return svids[0]?.svid ?? '';
}

it.each(['', FRONTEND])(
  'gives a token for the own identity, asked for as "%s"',
  async (spiffeId) => {
    await using rig = await SpiffeSocketRig.start();
    const request = { audience: ['web'], spiffeId };
    const { svids } = await clientOf(rig).fetchJWTSVID(request, { headers });
    expect(svids).toMatchObject([{ spiffeId: FRONTEND, hint: '' }]);
  },
);

it('tells by its code that a request for a token is wrong for good', async () => {
  await using rig = await SpiffeSocketRig.start();
  const client = clientOf(rig);
  const wrong: readonly object[] = [
    {},
    { audience: [''] },
    { audience: Array.from({ length: 17 }, String) },
    { audience: ['x'.repeat(513)] },
    { audience: ['web'], spiffeId: 'frontend' },
  ];
  for (const request of wrong) {
    await expect(client.fetchJWTSVID(request, { headers })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
  }
  await expect(client.fetchJWTSVID({ audience: ['web'] })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  });
});

it.each<[string, MeshError, Code]>([
  ['it is away', new MeshError('ERR_UNREACHABLE', 'away'), Code.Unavailable],
  ['it refuses', new MeshError('ERR_UNAUTHENTICATED', 'revoked'), Code.PermissionDenied],
  ['the account is gone', new MeshError('ERR_FORBIDDEN', 'gone'), Code.PermissionDenied],
])(
  'lets clients try again when the control plane gives no token because %s',
  async (_, failure, code) => {
    await using rig = await SpiffeSocketRig.start();
    rig.mintFailure = failure;
    await expect(fetched(rig, 'web')).rejects.toMatchObject({ code });
  },
);

it('refuses the token of another workload', async () => {
  await using rig = await SpiffeSocketRig.start();
  const request = { audience: ['web'], spiffeId: ADMIN };
  await expect(clientOf(rig).fetchJWTSVID(request, { headers })).rejects.toMatchObject({
    code: Code.PermissionDenied,
  });
});

it('gives the JWT keys alone, and again when they change and not when they do not', async () => {
  await using rig = await SpiffeSocketRig.start();
  const stream = clientOf(rig).fetchJWTBundles({}, { headers })[Symbol.asyncIterator]();
  const kids = async (): Promise<readonly string[]> => {
    const { bundles } = (await stream.next()).value ?? {};
    expect(Object.keys(bundles ?? {})).toEqual(['spiffe://cluster.local']);
    const { keys } = JSON.parse(Buffer.from(bundles?.['spiffe://cluster.local'] ?? []).toString());
    for (const key of keys) expect(key).toMatchObject({ use: 'jwt-svid', kty: 'EC' });
    return keys.map(({ kid }: { kid: string }) => kid);
  };
  expect(await kids()).toEqual(['jwt']);
  rig.rotate();
  const { current } = rig.identity;
  const { publicKey } = testAuthority().root;
  const keys = [...current.bundle.jwtAuthorities, { keyId: 'next', publicKey }];
  rig.identity.set({ ...current, bundle: current.bundle.withJwtAuthorities(keys) });
  expect(await kids()).toEqual(['jwt', 'next']);
  await stream.return?.();
});

it('says whose a token is, with all its claims', async () => {
  await using rig = await SpiffeSocketRig.start();
  const svid = await fetched(rig, 'web');
  const answer = await clientOf(rig).validateJWTSVID({ audience: 'web', svid }, { headers });
  expect(answer.spiffeId).toBe(FRONTEND);
  expect(answer.claims).toMatchObject({ sub: FRONTEND, aud: ['web'], exp: expect.any(Number) });
});

it('believes the tokens of another trust domain by its own bundle only', async () => {
  await using rig = await SpiffeSocketRig.start();
  const foreign = testAuthority({ trustDomain: 'elsewhere.example' });
  const bob = SpiffeId.parse('spiffe://elsewhere.example/bob');
  const times = { audience: ['web'], nowMs: Date.now(), lifetimeMs: 60_000, tokenId: 'x' };
  const { token: svid } = await signJwtSvid({ ...times, id: bob, signer: foreign.jwtSigner });
  const posing = SpiffeId.parse(FRONTEND);
  const forged = await signJwtSvid({ ...times, id: posing, signer: foreign.jwtSigner });
  const client = clientOf(rig);
  const judge = (token: string) =>
    client.validateJWTSVID({ audience: 'web', svid: token }, { headers });
  await expect(judge(svid)).rejects.toThrow(/no bundle here/);
  rig.identity.set({ ...rig.identity.current, federated: [foreign.bundle] });
  expect((await judge(svid)).spiffeId).toBe('spiffe://elsewhere.example/bob');
  await expect(judge(forged.token)).rejects.toMatchObject({ code: Code.InvalidArgument });
  const stream = client.fetchJWTBundles({}, { headers })[Symbol.asyncIterator]();
  const { bundles } = (await stream.next()).value ?? {};
  expect(Object.keys(bundles ?? {})).toEqual([
    ...['spiffe://cluster.local', 'spiffe://elsewhere.example'],
  ]);
  await stream.return?.();
});

it('refuses for good a token that is not valid', async () => {
  await using rig = await SpiffeSocketRig.start();
  const client = clientOf(rig);
  const svid = await fetched(rig, 'web');
  const foreign = await signJwtSvid({
    ...{ id: SpiffeId.parse(FRONTEND), audience: ['web'], nowMs: Date.now(), lifetimeMs: 60_000 },
    ...{ tokenId: 'x', signer: testAuthority().jwtSigner },
  });
  const cases: readonly [{ audience?: string; svid?: string }, RegExp][] = [
    [{}, /names no audience/],
    [{ audience: 'web' }, /compact form/],
    [{ audience: 'db', svid }, /is for "web", not for "db"/],
    [{ audience: 'web', svid: foreign.token }, /not signed by the key/],
  ];
  for (const [request, message] of cases) {
    const refused = client.validateJWTSVID(request, { headers });
    await expect(refused).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(refused).rejects.toThrow(message);
  }
  const none = TrustBundle.of(rig.authority.trustDomain, [rig.authority.root]);
  rig.identity.set({ ...rig.identity.current, bundle: none });
  await expect(client.validateJWTSVID({ audience: 'web', svid }, { headers })).rejects.toThrow(
    /does not have/,
  );
});
