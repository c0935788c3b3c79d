import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fetchPinnedRoot } from '../../src/agent/identity/pinned-root.ts';
import { newWorkloadKey, requestSvid } from '../../src/agent/identity/request-svid.ts';
import { controlPlaneLink } from '../../src/agent/link/control-plane-link.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { testAuthority } from '../kit/test-authority.ts';

// A Kubernetes cluster elsewhere, whose service accounts get certificates of this mesh.

const cluster = testAuthority({ trustDomain: 'cluster.example' });
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const served = cluster.issue('spiffe://cluster.example/api', { dnsSans: ['localhost'] });
const { key, cert, ca } = cluster.pems(served);
const server = createServer({ key, cert }, ({ url }, response) => {
  const documents: Readonly<Record<string, object>> = {
    '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/openid/v1/jwks` },
    '/openid/v1/jwks': { keys: [{ kid: 'k', ...publicKey.export({ format: 'jwk' }) }] },
  };
  const document = documents[url ?? ''];
  response.writeHead(document === undefined ? 404 : 200).end(JSON.stringify(document ?? {}));
});
let issuer: string;
let plane: ControlPlaneRig;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await plane.close();
});

function token(name: string): Promise<string> {
  const bound = { namespace: 'shop', serviceaccount: { name, uid: 'theirs' } };
  return new SignJWT({ 'kubernetes.io': bound, sub: `system:serviceaccount:shop:${name}` })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setIssuer(issuer)
    .setAudience('istio-ca')
    .setExpirationTime('10m')
    .sign(privateKey);
}

async function certificateFor(bearer: string): Promise<string> {
  const address = { host: '127.0.0.1', port: plane.xdsPort };
  const { rootFingerprint } = plane;
  const bundle = await fetchPinnedRoot({ address, rootFingerprint, nowMs: Date.now() });
  const link = controlPlaneLink({
    ...{ address, bundle, identity: undefined, rootNamespace: 'istio-system' },
  });
  const { signal } = new AbortController();
  try {
    const { svid } = await requestSvid({
      ...{ link, bearer, bundle, lifetimeS: 0, nowMs: Date.now(), signal, keys: newWorkloadKey() },
    });
    return svid.id.toString();
  } finally {
    link.close();
  }
}

it('gets certificates once its issuer is trusted, for accounts that exist here', async () => {
  const bearer = await token('reviews');
  await expect(certificateFor(bearer)).rejects.toThrow('request authenticate failure');
  expect(plane.audit().at(-1)?.['reason']).toContain('which nobody trusts here');
  const roots = JSON.stringify(ca);
  await plane.apply(`
apiVersion: security.hauberk.dev/v1alpha1
kind: TokenIssuer
metadata: { name: cluster-example }
spec:
  issuer: ${issuer}
  caBundle: ${roots}
  audiences: [istio-ca]
  identities:
    - claims: { sub: 'system:serviceaccount:*' }
      namespace: '{/kubernetes.io/namespace}'
      serviceAccount: '{/kubernetes.io/serviceaccount/name}'
`);
  expect(await certificateFor(bearer)).toBe('spiffe://cluster.local/ns/shop/sa/reviews');
  expect(plane.audit().at(-1)).toMatchObject({ by: 'service-account-token' });
  await expect(certificateFor(await token('nobody'))).rejects.toMatchObject({
    code: 'ERR_FORBIDDEN',
  });
  await plane.operator.delete('tokenissuers', { name: 'cluster-example' });
  await expect(certificateFor(bearer)).rejects.toMatchObject({ code: 'ERR_UNAUTHENTICATED' });
});
