import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RegisteredIdentity } from '../../../src/agent/identity/registered-identities.ts';
import { WatchableValue } from '../../../src/lib/watchable.ts';
import type { Identity } from '../../../src/spiffe/identity.ts';
import { LineClient } from '../../kit/line-client.ts';
import { peer } from '../../kit/peer.ts';
import { FRONTEND, SpiffeSocketRig } from '../../kit/spiffe-socket.ts';
import { testAuthority } from '../../kit/test-authority.ts';

/** As Go writes numbers in hex: without leading zeros. */
function serialOf(identity: Identity): string {
  return BigInt(`0x${identity.svid.chain[0]?.serial}`).toString(16);
}

const only = (rig: SpiffeSocketRig) => ({
  svids: [{ id: FRONTEND, serial: serialOf(rig.identity.current), hint: '' }],
});

const authority = testAuthority();

/** A workload of this user that the agent serves beside its own. */
function registeredTo(
  serviceAccount: string,
  hint: string,
  selectors = [`unix:uid:${process.getuid?.() ?? 0}`],
): RegisteredIdentity {
  return {
    registration: {
      apiVersion: 'security.hauberk.dev/v1alpha1',
      kind: 'WorkloadRegistration',
      metadata: { name: serviceAccount, namespace: 'shop' },
      spec: {
        ...{ serviceAccount, hint, agents: [{ serviceAccount: 'frontend' }] },
        selectors,
      },
    },
    identity: authority.identity(`spiffe://cluster.local/ns/shop/sa/${serviceAccount}`),
    problem: undefined,
  };
}

peer('go-spiffe', (program) => {
  const client = (what: string, { path }: SpiffeSocketRig): LineClient =>
    new LineClient(program, [what, `unix://${path}`]);

  it('fetches a certificate that a peer with the bundle accepts', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using go = client('fetch', rig);
    const [svid] = only(rig).svids;
    expect(await go.next()).toEqual({
      svids: [{ ...svid, chain: 2, verified: true }],
      domains: ['cluster.local'],
    });
  });

  it('sees three rotations with a watch', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using go = client('watch', rig);
    expect(await go.next()).toEqual(only(rig));
    for (let i = 0; i < 3; i++) {
      rig.rotate();
      expect(await go.next()).toEqual(only(rig));
    }
  });

  it('does mutual TLS with each certificate that its X509Source gets', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using go = client('source', rig);
    for (let i = 0; i < 3; i++) {
      const [svid] = only(rig).svids;
      expect(await go.next()).toEqual({ ...svid, handshake: FRONTEND });
      rig.rotate();
    }
  });

  it('comes back by itself when the agent was restarted', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using go = client('watch', rig);
    await go.next();
    await rig.stop();
    rig.rotate();
    await rig.start();
    expect(await go.next()).toEqual({ error: 'Unavailable' });
    let answer = await go.next();
    // It may have tried before there was a socket again.
    while (JSON.stringify(answer) === '{"error":"Unavailable"}') answer = await go.next();
    expect(answer).toEqual(only(rig));
  });

  it('is told by status code what it did wrong', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using go = client('raw', rig);
    expect(await go.next()).toEqual({
      with: 'OK',
      ...{ without: 'InvalidArgument', wrong: 'InvalidArgument', twice: 'InvalidArgument' },
    });
  });

  it('is given nothing when it runs as another user than those allowed, and goes on asking', async () => {
    const uid = (process.getuid?.() ?? 0) + 1;
    await using rig = await SpiffeSocketRig.start({ allowedUids: [uid] });
    await using go = client('watch', rig);
    expect(await go.next()).toEqual({ error: 'PermissionDenied' });
    expect(await go.next()).toEqual({ error: 'PermissionDenied' });
  });

  it('fetches a token that it and the agent judge alike', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using go = client('jwt', rig);
    expect(await go.next()).toEqual({
      ...{ id: FRONTEND, audience: ['here'], offline: true },
      ...{ here: 'OK', elsewhere: 'InvalidArgument' },
    });
  });

  it('has the identities of several registrations, and is told when it may have none any more', async () => {
    const registered = new WatchableValue([
      registeredTo('ratings', 'inside'),
      registeredTo('reviews', 'outside'),
    ]);
    const uid = process.getuid?.() ?? 0;
    await using rig = await SpiffeSocketRig.start({
      authority,
      registered,
      allowedUids: [uid + 1],
    });
    await using go = client('watch', rig);
    const seen = () => ({
      svids: registered.current.map(({ identity, registration: { spec } }) => ({
        ...{ id: identity?.svid.id.toString(), hint: spec.hint },
        serial: identity && serialOf(identity),
      })),
    });
    expect(await go.next()).toEqual(seen());
    registered.set([registeredTo('reviews', 'outside')]);
    expect(await go.next()).toEqual(seen());
    registered.set([]);
    expect(await go.next()).toEqual({ error: 'PermissionDenied' });
    registered.set([registeredTo('reviews', 'again')]);
    let answer = await go.next();
    while (JSON.stringify(answer).includes('PermissionDenied')) answer = await go.next();
    expect(answer).toEqual(seen());
  });

  it('is told apart from another program of the same user by its executable and by its hash', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hauberk-programs-'));
    const [ratings, reviews] = ['ratings', 'reviews'].map((name) => join(directory, name));
    if (ratings === undefined || reviews === undefined) throw new Error('no paths');
    copyFileSync(program, ratings);
    copyFileSync(program, reviews);
    // What follows a program changes its hash and not what it does.
    appendFileSync(reviews, 'x');
    const sha256 = createHash('sha256').update(readFileSync(reviews)).digest('hex');
    const registered = new WatchableValue([
      registeredTo('ratings', '', [`unix:path:${ratings}`]),
      registeredTo('reviews', '', [`unix:sha256:${sha256}`]),
    ]);
    const uid = process.getuid?.() ?? 0;
    await using rig = await SpiffeSocketRig.start({
      authority,
      registered,
      allowedUids: [uid + 1],
    });
    const idsOf = async (path: string) => {
      await using go = new LineClient(path, ['fetch', `unix://${rig.path}`]);
      const { svids = [] } = (await go.next()) as { svids?: { id: string }[] };
      return svids.map(({ id }) => id);
    };
    try {
      expect(await idsOf(ratings)).toEqual(['spiffe://cluster.local/ns/shop/sa/ratings']);
      expect(await idsOf(reviews)).toEqual(['spiffe://cluster.local/ns/shop/sa/reviews']);
      expect(await idsOf(program)).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('gets a JWT that it can check itself, and has it checked', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using go = client('jwt', rig);
    expect(await go.next()).toEqual({
      ...{ id: FRONTEND, audience: ['here'], offline: true },
      ...{ here: 'OK', elsewhere: 'InvalidArgument' },
    });
  });

  it('asks by reflection what the socket has, in both versions, without the header', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using go = client('reflect', rig);
    expect(await go.next()).toEqual({
      v1: {
        SpiffeWorkloadAPI: 5,
        'envoy.service.secret.v3.SecretDiscoveryService': 3,
        'grpc.health.v1.Health': 2,
      },
      v1alpha: { SpiffeWorkloadAPI: 5 },
    });
  });
});
