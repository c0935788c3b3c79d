import { X509Certificate } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { SpiffeSocketRig } from '../../../test/kit/spiffe-socket.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { testCrls } from '../../../test/kit/test-crls.ts';
import {
  type Secret,
  SecretSchema,
} from '../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { SPIFFECertValidatorConfigSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js';
import { DiscoveryRequestSchema } from '../../gen/envoy/service/discovery/v3/discovery_pb.js';
import { SecretDiscoveryService } from '../../gen/envoy/service/secret/v3/sds_pb.js';
import { SpiffeWorkloadAPI } from '../../gen/spiffe/workload_pb.js';
import { WatchableValue } from '../../lib/watchable.ts';
import { noFacts } from '../../policy/mesh-facts.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Crl } from '../../x509/crl.ts';
import { completeCrls, meshCrls, usableCrls } from './mesh-crls.ts';

const headers = { 'workload.spiffe.io': 'true' };
const authority = testAuthority();
const [ofIntermediate, ofRoot] = testCrls(authority);

const listOf = (name: string, { der, issuer }: Crl) => ({
  apiVersion: 'security.hauberk.dev/v1alpha1',
  kind: 'CertificateRevocationList' as const,
  metadata: { name },
  spec: {
    ...{ issuer, list: Buffer.from(der).toString('base64') },
    nextUpdate: new Date().toISOString(),
  },
});

describe('the lists', () => {
  it('are those of the facts, without what cannot be read', () => {
    const facts = new WatchableValue(noFacts);
    const { crls } = meshCrls(facts, new ManualClock());
    const bad = listOf('02', ofRoot);
    const revocationLists = [
      listOf('01', ofIntermediate),
      { ...bad, spec: { ...bad.spec, list: 'AAAA' } },
    ];
    facts.set({ ...noFacts, revocationLists });
    expect(crls.current.map(({ issuer }) => issuer)).toEqual([ofIntermediate.issuer]);
  });

  it('are not used once they have ended', () => {
    const [ended] = testCrls(authority, { nextUpdateMs: Date.now() - 1_000 });
    expect(usableCrls([ended, ofRoot], Date.now())).toEqual([ofRoot]);
  });

  it('go from the readers some minutes before they end, though no fact changes', async () => {
    const clock = new ManualClock();
    const ends = [clock.now() + 3_600_000, clock.now() + 7_200_000];
    const two = ends.map((nextUpdateMs) => testCrls(authority, { nextUpdateMs })[0]);
    const revocationLists = two.map((crl, at) => listOf(`0${at}`, crl));
    const { crls, run } = meshCrls(new WatchableValue({ ...noFacts, revocationLists }), clock);
    const controller = new AbortController();
    const running = run(controller.signal);
    const held: number[] = [];
    crls.subscribe((next) => held.push(next.length));
    await clock.advance(3_300_000 - 1);
    expect(held).toEqual([]);
    await clock.advance(1);
    expect(held).toEqual([1]);
    await clock.advance(3_600_000);
    expect(held).toEqual([1, 0]);
    controller.abort();
    await running;
  });

  it('are complete only where each authority has one', () => {
    const { root, intermediate } = authority;
    const all = [ofIntermediate, ofRoot];
    expect(completeCrls(all, [root, intermediate])).toHaveLength(2);
    expect(completeCrls([ofIntermediate], [root, intermediate])).toEqual([]);
    expect(completeCrls([ofRoot], [root, intermediate])).toEqual([]);
    expect(completeCrls(all, [testAuthority().root])).toEqual([]);
  });
});

async function trust(
  rig: SpiffeSocketRig,
  version: string,
  name = 'ROOTCA',
): Promise<Secret['type']['value']> {
  const { resources } = await createClient(SecretDiscoveryService, rig.transport()).fetchSecrets(
    create(DiscoveryRequestSchema, {
      node: { userAgentVersionType: { case: 'userAgentVersion', value: version } },
      resourceNames: [name],
    }),
  );
  const [secret] = resources.flatMap((resource) => anyUnpack(resource, SecretSchema) ?? []);
  return secret?.type.value;
}

const count = (text: string) => [...text.matchAll(/BEGIN X509 CRL/g)].length;

describe('an Envoy', () => {
  it('gets them among the certificates for its SPIFFE validator', async () => {
    const crls = new WatchableValue<readonly Crl[]>([ofIntermediate, ofRoot]);
    await using rig = await SpiffeSocketRig.start({ authority, crls });
    const value = await trust(rig, '1.40.0');
    if (
      value?.$typeName !== 'envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext'
    )
      throw new Error('no context');
    const config = value.customValidatorConfig?.typedConfig;
    const domains = config && anyUnpack(config, SPIFFECertValidatorConfigSchema)?.trustDomains;
    const pem = Buffer.from(domains?.[0]?.trustBundle?.specifier.value ?? '').toString();
    expect(count(pem)).toBe(2);
    expect(new X509Certificate(pem).ca).toBe(true);
  });

  it('gets none for another trust domain under the same root, whose signers’ lists are not here', async () => {
    const crls = new WatchableValue<readonly Crl[]>([ofIntermediate, ofRoot]);
    await using rig = await SpiffeSocketRig.start({ authority, crls });
    const other = TrustBundle.of(TrustDomain.parse('other.example'), [authority.root]);
    rig.identity.set({ ...rig.identity.current, federated: [other] });
    const value = await trust(rig, '1.40.0', 'ALL');
    const config = value && 'customValidatorConfig' in value && value.customValidatorConfig;
    const packed = config ? config.typedConfig : undefined;
    const domains = packed && anyUnpack(packed, SPIFFECertValidatorConfigSchema)?.trustDomains;
    const counts = (domains ?? []).map(({ name, trustBundle }) => [
      name,
      count(Buffer.from(trustBundle?.specifier.value ?? '').toString()),
    ]);
    expect(counts).toEqual([
      ['cluster.local', 2],
      ['other.example', 0],
    ]);
  });

  it('without that validator gets them in the field for them', async () => {
    const crls = new WatchableValue<readonly Crl[]>([ofIntermediate, ofRoot]);
    await using rig = await SpiffeSocketRig.start({ authority, crls });
    const value = await trust(rig, '1.17.0');
    expect(value).toMatchObject({ crl: { specifier: { case: 'inlineBytes' } } });
    for (const lacking of [ofIntermediate, ofRoot]) {
      crls.set([lacking]);
      const without = await trust(rig, '1.17.0');
      expect(without).toMatchObject({ trustedCa: {} });
      expect(without).not.toHaveProperty('crl');
    }
  });
});

it('a caller of the Workload API gets them, and each change', async () => {
  const crls = new WatchableValue<readonly Crl[]>([]);
  await using rig = await SpiffeSocketRig.start({ authority, crls });
  const client = createClient(SpiffeWorkloadAPI, rig.transport());
  const svids = client.fetchX509SVID({}, { headers })[Symbol.asyncIterator]();
  const bundles = client.fetchX509Bundles({}, { headers })[Symbol.asyncIterator]();
  const next = async () =>
    (await Promise.all([svids.next(), bundles.next()])).map(({ value }) =>
      value.crl.map((der: Uint8Array) => Buffer.from(der).toString('hex')),
    );
  expect(await next()).toEqual([[], []]);
  crls.set([ofIntermediate]);
  const hex = Buffer.from(ofIntermediate.der).toString('hex');
  expect(await next()).toEqual([[hex], [hex]]);
});
