import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { FRONTEND, SpiffeSocketRig } from '../../../test/kit/spiffe-socket.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import {
  type Secret,
  SecretSchema,
} from '../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { SPIFFECertValidatorConfigSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
} from '../../gen/envoy/service/discovery/v3/discovery_pb.js';
import { SecretDiscoveryService } from '../../gen/envoy/service/secret/v3/sds_pb.js';
import { Outbox } from '../../xds/outbox.ts';
import { SECRET_TYPE } from './sds-view.ts';

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';

function clientOf(rig: SpiffeSocketRig) {
  return createClient(SecretDiscoveryService, rig.transport());
}

function asks(fields: MessageInitShape<typeof DiscoveryRequestSchema>): DiscoveryRequest {
  return create(DiscoveryRequestSchema, { typeUrl: SECRET_TYPE, ...fields });
}

function secretsOf({ resources }: Pick<DiscoveryResponse, 'resources'>): Secret[] {
  return resources.flatMap((resource) => anyUnpack(resource, SecretSchema) ?? []);
}

/** A secret in few words. */
function describeSecret({ name, type }: Secret): string {
  if (type.case === 'tlsCertificate') return `${name}: certificate`;
  if (type.case !== 'validationContext') return `${name}: ${type.case}`;
  const { trustedCa, customValidatorConfig, matchTypedSubjectAltNames: matchers } = type.value;
  const config = customValidatorConfig?.typedConfig;
  const domains = config && anyUnpack(config, SPIFFECertValidatorConfigSchema)?.trustDomains;
  const trusts = trustedCa ? 'roots' : domains?.map((domain) => domain.name).join();
  const peers = matchers.map(({ matcher }) => matcher?.matchPattern.value);
  return `${name}: ${trusts}${peers.length > 0 ? ` only ${peers.join()}` : ''}`;
}

describe('the names', () => {
  it('are all answered when they are in one request', async () => {
    await using rig = await SpiffeSocketRig.start();
    const resourceNames = ['default', 'ROOTCA', 'ALL', 'spiffe://cluster.local', FRONTEND, REVIEWS];
    const response = await clientOf(rig).fetchSecrets(asks({ resourceNames }));
    expect(secretsOf(response).map(describeSecret)).toEqual([
      'default: certificate',
      'ROOTCA: cluster.local',
      'ALL: cluster.local',
      'spiffe://cluster.local: cluster.local',
      `${FRONTEND}: certificate`,
      `${REVIEWS}: cluster.local only ${REVIEWS}`,
    ]);
  });

  it('know federated trust domains, each apart from the others', async () => {
    await using rig = await SpiffeSocketRig.start();
    const partner = testAuthority({ trustDomain: 'partner.example' });
    rig.identity.set({ ...rig.identity.current, federated: [partner.bundle] });
    const peer = 'spiffe://partner.example/ns/shop/sa/reviews';
    const resourceNames = ['ROOTCA', 'ALL', 'spiffe://partner.example', peer];
    const client = clientOf(rig);
    const response = await client.fetchSecrets(asks({ resourceNames }));
    expect(secretsOf(response).map(describeSecret)).toEqual([
      'ROOTCA: cluster.local',
      'ALL: cluster.local,partner.example',
      'spiffe://partner.example: partner.example',
      `${peer}: partner.example only ${peer}`,
    ]);
    expect(secretsOf(await client.fetchSecrets(asks({}))).map(({ name }) => name)).toEqual([
      FRONTEND,
      'spiffe://cluster.local',
      'spiffe://partner.example',
    ]);
    rig.identity.set({ ...rig.identity.current, federated: [] });
    await expect(client.fetchSecrets(asks({ resourceNames: [peer] }))).rejects.toMatchObject({
      code: Code.NotFound,
    });
  });

  it('are the IDs when none is given', async () => {
    await using rig = await SpiffeSocketRig.start();
    const response = await clientOf(rig).fetchSecrets(asks({}));
    expect(secretsOf(response).map(({ name }) => name)).toEqual([
      FRONTEND,
      'spiffe://cluster.local',
    ]);
  });

  it.each([
    'other',
    'rootca',
    'spiffe://other.example',
    'spiffe://other.example/ns/shop/sa/reviews',
    'spiffe://cluster.local/',
    'file-root:system',
  ])('do not include "%s"', async (name) => {
    await using rig = await SpiffeSocketRig.start();
    await expect(
      clientOf(rig).fetchSecrets(asks({ resourceNames: ['default', name] })),
    ).rejects.toMatchObject({ code: Code.NotFound, message: expect.stringContaining(name) });
  });

  it('give plain roots to an Envoy that has no SPIFFE validator', async () => {
    await using rig = await SpiffeSocketRig.start();
    const node = {
      userAgentVersionType: { case: 'userAgentVersion' as const, value: '1.17.4' },
    };
    const response = await clientOf(rig).fetchSecrets(
      asks({ node, resourceNames: ['ROOTCA', REVIEWS] }),
    );
    expect(secretsOf(response).map(describeSecret)).toEqual([
      'ROOTCA: roots',
      `${REVIEWS}: roots only ${REVIEWS}`,
    ]);
  });
});

it('sends PEM, the chain without the root, and the key in PKCS#8', async () => {
  await using rig = await SpiffeSocketRig.start();
  const response = await clientOf(rig).fetchSecrets(asks({ resourceNames: ['default'] }));
  const [secret] = secretsOf(response);
  if (secret?.type.case !== 'tlsCertificate') throw new Error('not a certificate');
  const { certificateChain, privateKey } = secret.type.value;
  const { cert, key } = rig.authority.pems(rig.identity.current.svid);
  expect(Buffer.from(certificateChain?.specifier.value ?? '').toString()).toBe(cert);
  expect(Buffer.from(privateKey?.specifier.value ?? '').toString()).toBe(key);
});

describe('a stream', () => {
  it('is sent the certificate with each rotation, and the bundle only when that changes', async () => {
    await using rig = await SpiffeSocketRig.start();
    const requests = new Outbox<DiscoveryRequest>();
    const stream = clientOf(rig).streamSecrets(requests)[Symbol.asyncIterator]();
    const roots = new Outbox<DiscoveryRequest>();
    const rootStream = clientOf(rig).streamSecrets(roots)[Symbol.asyncIterator]();
    requests.push(asks({ node: { id: 'envoy-1' }, resourceNames: ['default'] }));
    roots.push(asks({ resourceNames: ['ROOTCA'] }));
    const firstRoots = (await rootStream.next()).value as DiscoveryResponse;
    roots.push(asks({ resourceNames: ['ROOTCA'], responseNonce: firstRoots.nonce }));
    const versions = new Set<string>();
    for (let i = 0; i < 4; i++) {
      const { value: response } = await stream.next();
      expect(secretsOf(response).map(describeSecret)).toEqual(['default: certificate']);
      versions.add(response.versionInfo);
      const { nonce: responseNonce, versionInfo } = response;
      requests.push(asks({ resourceNames: ['default'], responseNonce, versionInfo }));
      await eventually('the ACK', () => rig.socket.sds.acknowledged >= i + 2);
      rig.rotate();
    }
    expect(versions.size).toBe(4);
    expect(rig.socket.sds.clients[0]).toMatchObject({
      ...{ node: 'envoy-1', variant: 'sotw', acknowledged: 4, pid: process.pid },
    });
    expect(rig.socket.sds.clients[1]).toMatchObject({ acknowledged: 1 });
    requests.end();
    roots.end();
    await eventually('both have left', () => rig.socket.sds.clients.length === 0);
  });

  it('shows a refusal in the status, with the reason, until something newer is accepted', async () => {
    await using rig = await SpiffeSocketRig.start();
    const requests = new Outbox<DiscoveryRequest>();
    const stream = clientOf(rig).streamSecrets(requests)[Symbol.asyncIterator]();
    requests.push(asks({ resourceNames: ['default'] }));
    const first = (await stream.next()).value as DiscoveryResponse;
    const errorDetail = { code: 13, message: 'key values mismatch' };
    const answer = { resourceNames: ['default'], responseNonce: first.nonce };
    requests.push(asks({ ...answer, errorDetail }));
    await eventually('the NACK', () => rig.rejections.length === 1);
    expect(rig.rejections).toEqual(['key values mismatch']);
    expect(rig.socket.sds).toMatchObject({
      rejected: 1,
      clients: [{ rejected: 1, rejection: { detail: 'key values mismatch' } }],
    });
    rig.rotate();
    const second = (await stream.next()).value as DiscoveryResponse;
    requests.push(asks({ resourceNames: ['default'], responseNonce: second.nonce }));
    await eventually('the ACK', () => rig.socket.sds.acknowledged === 1);
    expect(rig.socket.sds.clients[0]).toMatchObject({ rejected: 1, rejection: undefined });
    requests.end();
  });

  it('waits with an expired certificate for the next', async () => {
    const clock = new ManualClock(Date.now() + 25 * 3_600_000);
    await using rig = await SpiffeSocketRig.start({ clock });
    const client = clientOf(rig);
    const fetched = client.fetchSecrets(asks({ resourceNames: ['default'] }));
    await expect(fetched).rejects.toMatchObject({ code: Code.NotFound });
    const requests = new Outbox<DiscoveryRequest>();
    const stream = client.streamSecrets(requests)[Symbol.asyncIterator]();
    requests.push(asks({ resourceNames: ['default'] }));
    const next = stream.next();
    await eventually('the stream', () => rig.socket.sds.clients.length === 1);
    const notAfterMs = clock.now() + 3_600_000;
    rig.identity.set(rig.authority.identity(FRONTEND, { notAfterMs }));
    expect(secretsOf((await next).value)).toHaveLength(1);
    requests.end();
  });

  it('by delta has the same secrets, and names what does not exist', async () => {
    await using rig = await SpiffeSocketRig.start();
    const requests = new Outbox<DeltaDiscoveryRequest>();
    const stream = clientOf(rig).deltaSecrets(requests)[Symbol.asyncIterator]();
    const typeUrl = SECRET_TYPE;
    const resourceNamesSubscribe = ['default', 'ROOTCA', 'nobody'];
    requests.push(create(DeltaDiscoveryRequestSchema, { typeUrl, resourceNamesSubscribe }));
    const { value: first } = await stream.next();
    expect(first.removedResources).toEqual(['nobody']);
    expect(first.resources.map(({ name }: { name: string }) => name)).toEqual([
      'default',
      'ROOTCA',
    ]);
    const { nonce: responseNonce } = first;
    requests.push(create(DeltaDiscoveryRequestSchema, { typeUrl, responseNonce }));
    rig.rotate();
    const { value: second } = await stream.next();
    expect(second.resources.map(({ name }: { name: string }) => name)).toEqual(['default']);
    requests.end();
  });

  it('is refused for another type', async () => {
    await using rig = await SpiffeSocketRig.start();
    const requests = new Outbox<DiscoveryRequest>();
    requests.push(asks({ typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster' }));
    const stream = clientOf(rig).streamSecrets(requests)[Symbol.asyncIterator]();
    await expect(stream.next()).rejects.toMatchObject({ code: Code.InvalidArgument });
    requests.end();
  });
});
