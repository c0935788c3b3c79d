import { X509Certificate } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
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
    const crls = meshCrls(facts);
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

  it('are complete only where each root has one', () => {
    const { bundle } = authority;
    expect(completeCrls([ofIntermediate, ofRoot], bundle)).toHaveLength(2);
    expect(completeCrls([ofIntermediate], bundle)).toEqual([]);
    expect(completeCrls([ofIntermediate, ofRoot], testAuthority().bundle)).toEqual([]);
  });
});

async function trust(rig: SpiffeSocketRig, version: string): Promise<Secret['type']['value']> {
  const { resources } = await createClient(SecretDiscoveryService, rig.transport()).fetchSecrets(
    create(DiscoveryRequestSchema, {
      node: { userAgentVersionType: { case: 'userAgentVersion', value: version } },
      resourceNames: ['ROOTCA'],
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

  it('without that validator gets them in the field for them', async () => {
    const crls = new WatchableValue<readonly Crl[]>([ofIntermediate, ofRoot]);
    await using rig = await SpiffeSocketRig.start({ authority, crls });
    const value = await trust(rig, '1.17.0');
    expect(value).toMatchObject({ crl: { specifier: { case: 'inlineBytes' } } });
    crls.set([ofIntermediate]);
    const without = await trust(rig, '1.17.0');
    expect(without).toMatchObject({ trustedCa: {} });
    expect(without).not.toHaveProperty('crl');
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
