import { create } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { FRONTEND, SpiffeSocketRig } from '../../../test/kit/spiffe-socket.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { DiscoveryRequestSchema } from '../../gen/envoy/service/discovery/v3/discovery_pb.js';
import { SecretDiscoveryService } from '../../gen/envoy/service/secret/v3/sds_pb.js';
import { SpiffeWorkloadAPI, type X509SVIDResponse } from '../../gen/spiffe/workload_pb.js';
import { WatchableValue } from '../../lib/watchable.ts';
import { Outbox } from '../../xds/outbox.ts';
import { SECRET_TYPE } from '../socket/sds-view.ts';
import type { RegisteredIdentity } from './registered-identities.ts';

const headers = { 'workload.spiffe.io': 'true' };
const uid = process.getuid?.() ?? 0;
const SOMEBODY_ELSE = [uid + 1];
const authority = testAuthority();

const idOf = (account: string) => `spiffe://cluster.local/ns/shop/sa/${account}`;

function registered(
  account: string,
  { selectors = [`unix:uid:${uid}`], hint = undefined as string | undefined, held = true } = {},
): RegisteredIdentity {
  return {
    registration: {
      apiVersion: 'security.hauberk.dev/v1alpha1',
      kind: 'WorkloadRegistration',
      metadata: { name: account, namespace: 'shop' },
      spec: {
        ...{ serviceAccount: account, selectors, agents: [{ serviceAccount: 'frontend' }] },
        ...(hint === undefined ? {} : { hint }),
      },
    },
    identity: held ? authority.identity(idOf(account)) : undefined,
    problem: undefined,
  };
}

/** The socket with these registrations, and no place on it for this user but by them. */
async function rigWith(...present: RegisteredIdentity[]) {
  const value = new WatchableValue<readonly RegisteredIdentity[]>(present);
  const rig = await SpiffeSocketRig.start({
    ...{ authority, allowedUids: SOMEBODY_ELSE, registered: value },
  });
  return { rig, value };
}

function watch(rig: SpiffeSocketRig) {
  const client = createClient(SpiffeWorkloadAPI, rig.transport());
  const stream = client.fetchX509SVID({}, { headers })[Symbol.asyncIterator]();
  return async (): Promise<readonly (readonly [string, string])[]> => {
    const { value, done } = await stream.next();
    if (done === true) throw new Error('the stream has ended');
    return (value as X509SVIDResponse).svids.map(({ spiffeId, hint }) => [spiffeId, hint] as const);
  };
}

const denied = { code: Code.PermissionDenied };

describe('a caller', () => {
  it('is given what the registrations that describe it say, in their order, with their hints', async () => {
    const { rig } = await rigWith(
      registered('ratings', { hint: 'inside' }),
      registered('reviews', { hint: 'outside' }),
      registered('other', { selectors: [`unix:uid:${uid + 1}`] }),
      registered('products', { hint: 'inside' }),
    );
    await using _ = rig;
    expect(await watch(rig)()).toEqual([
      [idOf('ratings'), 'inside'],
      [idOf('reviews'), 'outside'],
      // A hint that repeats another would tell it nothing.
      [idOf('products'), ''],
    ]);
  });

  it('has the agent’s own identity last, when its user is allowed', async () => {
    const value = new WatchableValue([registered('reviews')]);
    await using rig = await SpiffeSocketRig.start({ authority, registered: value });
    expect(await watch(rig)()).toEqual([
      [idOf('reviews'), ''],
      [FRONTEND, ''],
    ]);
  });

  it('is told what was found out about it, when nothing describes it', async () => {
    const { rig } = await rigWith(registered('reviews', { selectors: ['unix:path:/bin/other'] }));
    await using _ = rig;
    await expect(watch(rig)()).rejects.toMatchObject({
      ...denied,
      message: expect.stringContaining(`path ${process.execPath}`),
    });
    expect(rig.refused).toMatchObject([{ caller: { pid: process.pid } }]);
  });

  it('is asked to come again while its identity is being obtained', async () => {
    const { rig, value } = await rigWith(registered('reviews', { held: false }));
    await using _ = rig;
    await expect(watch(rig)()).rejects.toMatchObject({ code: Code.Unavailable });
    value.set([registered('reviews')]);
    expect(await watch(rig)()).toEqual([[idOf('reviews'), '']]);
  });
});

describe('an open stream', () => {
  it('is sent what comes and goes, and nothing for what is another’s', async () => {
    const reviews = registered('reviews');
    const { rig, value } = await rigWith(reviews);
    await using _ = rig;
    const next = watch(rig);
    await next();
    value.set([registered('other', { selectors: ['unix:uid:77'] }), reviews]);
    value.set([registered('products'), reviews]);
    expect(await next()).toEqual([
      [idOf('products'), ''],
      [idOf('reviews'), ''],
    ]);
    value.set([reviews]);
    expect(await next()).toEqual([[idOf('reviews'), '']]);
  });

  it('is ended with PermissionDenied when its caller may have nothing more', async () => {
    const { rig, value } = await rigWith(registered('reviews'));
    await using _ = rig;
    const next = watch(rig);
    await next();
    const bundles = createClient(SpiffeWorkloadAPI, rig.transport())
      .fetchX509Bundles({}, { headers })
      [Symbol.asyncIterator]();
    await bundles.next();
    value.set([]);
    await expect(next()).rejects.toMatchObject(denied);
    await expect(bundles.next()).rejects.toMatchObject(denied);
  });

  it('of secrets has its caller’s, and is ended in the same way', async () => {
    const { rig, value } = await rigWith(registered('ratings'), registered('reviews'));
    await using _ = rig;
    const requests = new Outbox<ReturnType<typeof asks>>();
    const asks = (resourceNames: string[]) =>
      create(DiscoveryRequestSchema, { typeUrl: SECRET_TYPE, resourceNames });
    const client = createClient(SecretDiscoveryService, rig.transport());
    const stream = client.streamSecrets(requests)[Symbol.asyncIterator]();
    const names = ['default', idOf('reviews'), 'ROOTCA'];
    requests.push(asks([...names, FRONTEND]));
    const { value: first } = await stream.next();
    // The agent's own ID is a peer's here: a validation context, not the certificate.
    expect(first.resources).toHaveLength(4);
    value.set([]);
    await expect(stream.next()).rejects.toMatchObject(denied);
    requests.end();
  });

  it('gains by a registration that asks for the hash of its executable', async () => {
    const { rig, value } = await rigWith(registered('reviews'));
    await using _ = rig;
    const next = watch(rig);
    await next();
    const { createHash } = await import('node:crypto');
    const { readFileSync } = await import('node:fs');
    const hash = createHash('sha256').update(readFileSync('/proc/self/exe')).digest('hex');
    const [reviews] = value.current;
    if (reviews === undefined) throw new Error('no registration');
    value.set([registered('hashed', { selectors: [`unix:sha256:${hash}`] }), reviews]);
    expect(await next()).toEqual([
      [idOf('hashed'), ''],
      [idOf('reviews'), ''],
    ]);
  });
});
