import { X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCsr } from '../../../src/x509/csr.ts';
import { generateKeyPair } from '../../../src/x509/key-pair.ts';
import { encodePem } from '../../../src/x509/pem.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';

// The CSR call as Istio's agents make it: a plain gRPC client that shares no code with ours, the root
// and the name of istiod, a bearer token for istio-ca, seconds.

const xdsPackage = fileURLToPath(import.meta.resolve('@grpc/grpc-js-xds'));
const load = createRequire(xdsPackage);
const grpc = load('@grpc/grpc-js');
const protos = load('@grpc/proto-loader');
const proto = fileURLToPath(new URL('../../../proto/istio/v1/auth/ca.proto', import.meta.url));

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
const UNAUTHENTICATED = 16;
const INVALID_ARGUMENT = 3;
const PERMISSION_DENIED = 7;

let plane: ControlPlaneRig;
let client: {
  createCertificate(
    request: object,
    metadata: object,
    done: (
      error: { readonly code: number; readonly details: string } | null,
      answer: { readonly certChain: readonly string[] } | undefined,
    ) => void,
  ): void;
  close(): void;
};

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  const bundle = await plane.operator.get<{ readonly spec: { readonly document: string } }>(
    'trustbundles',
    { name: 'cluster.local' },
  );
  const { keys } = JSON.parse(bundle.spec.document);
  const root = encodePem('CERTIFICATE', Buffer.from(keys[0].x5c[0], 'base64'));
  const { istio } = grpc.loadPackageDefinition(protos.loadSync(proto));
  const credentials = grpc.credentials.createSsl(Buffer.from(root));
  const options = { 'grpc.ssl_target_name_override': 'istiod.istio-system.svc' };
  client = new istio.v1.auth.IstioCertificateService(
    `127.0.0.1:${plane.xdsPort}`,
    credentials,
    options,
  );
});

afterAll(async () => {
  client.close();
  await plane.close();
});

function jwt(audiences: readonly string[] = ['istio-ca']): Promise<string> {
  return plane.operator.serviceAccountToken('shop', 'reviews', audiences);
}

function csr(names: Parameters<typeof createCsr>[1] = { uriSans: [REVIEWS] }): string {
  return encodePem('CERTIFICATE REQUEST', createCsr(generateKeyPair('rsa-2048'), names));
}

type Answer =
  | { readonly chain: readonly string[] }
  | { readonly code: number; readonly details: string };

function ask(request: object, bearer?: string): Promise<Answer> {
  const metadata = new grpc.Metadata();
  if (bearer !== undefined) metadata.set('authorization', `Bearer ${bearer}`);
  metadata.set('clusterid', 'Kubernetes');
  return new Promise((resolve) =>
    client.createCertificate(request, metadata, (error, answer) =>
      resolve(
        error === null
          ? { chain: answer?.certChain ?? [] }
          : { code: error.code, details: error.details },
      ),
    ),
  );
}

const request = () => ({
  ...{ csr: csr(), validityDuration: 3_600 },
  metadata: { fields: { ClusterID: { stringValue: 'Kubernetes' } } },
});

describe('the CSR call of Istio', () => {
  it('answers the leaf first, each signer as an element of its own, the root last', async () => {
    const answer = await ask(request(), await jwt());
    const chain = 'chain' in answer ? answer.chain : [];
    expect(chain).toHaveLength(3);
    for (const pem of chain) {
      expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n$/);
    }
    const [leaf, signer, root] = chain.map((pem) => new X509Certificate(pem));
    expect(leaf?.subjectAltName).toBe(`URI:${REVIEWS}`);
    expect([leaf?.subject, leaf?.ca]).toEqual([undefined, false]);
    expect(signer && leaf?.checkIssued(signer) && leaf.verify(signer.publicKey)).toBe(true);
    expect(root && signer?.checkIssued(root) && root.checkIssued(root)).toBe(true);
    const restS = (Date.parse(leaf?.validTo ?? '') - Date.now()) / 1_000;
    expect(restS).toBeGreaterThan(3_000);
    expect(restS).toBeLessThanOrEqual(3_600);
  });

  it('takes one token as often as it is shown', async () => {
    const token = await jwt();
    for (let i = 0; i < 3; i++) expect(await ask(request(), token)).toHaveProperty('chain');
  });

  it('gives the identity of the caller, whatever the CSR has as its subject', async () => {
    const answer = await ask({ csr: csr({ commonName: 'admin' }) }, await jwt());
    const [leaf] = 'chain' in answer ? answer.chain : [];
    expect(new X509Certificate(leaf ?? '').subjectAltName).toBe(`URI:${REVIEWS}`);
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    ['another audience', () => jwt(['vault']), /is for "vault", not for "istio-ca"/],
    ['a changed token', async () => `${(await jwt()).slice(0, -4)}AAAA`, /not signed/],
    ['what only looks like a token', async () => 'eyJhbGciOiJub25lIn0.e30.AA', /algorithm/],
  ])('says nothing of why it refuses %s, and the audit log says it', async (_, token, reason) => {
    expect(await ask(request(), await token())).toEqual({
      ...{ code: UNAUTHENTICATED, details: 'request authenticate failure' },
    });
    expect(plane.audit().at(-1)).toMatchObject({
      ...{ event: 'certificate.issue', outcome: 'failure', reason: expect.stringMatching(reason) },
    });
  });

  it('refuses by code: no credentials, another identity, a lifetime too long, no CSR', async () => {
    const other = csr({ uriSans: ['spiffe://cluster.local/ns/shop/sa/admin'] });
    const token = await jwt();
    expect(await ask(request())).toMatchObject({ code: UNAUTHENTICATED });
    expect(await ask({ csr: other }, token)).toMatchObject({ code: PERMISSION_DENIED });
    const long = { csr: csr(), validityDuration: 91 * 86_400 };
    expect(await ask(long, token)).toMatchObject({ code: INVALID_ARGUMENT });
    expect(await ask({ csr: 'hello' }, token)).toMatchObject({ code: INVALID_ARGUMENT });
  });

  it('refuses the token of an account that was deleted and made again', async () => {
    const token = await jwt();
    await plane.operator.delete('sa', { namespace: 'shop', name: 'reviews' });
    await plane.apply(SHOP);
    expect(await ask(request(), token)).toMatchObject({ code: UNAUTHENTICATED });
    expect(await ask(request(), await jwt())).toHaveProperty('chain');
  });
});
