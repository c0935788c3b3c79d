import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintJwtSvid } from '../../src/agent/identity/mint-jwt-svid.ts';
import { callAdmin } from '../../src/app/admin-client.ts';
import type { Identity } from '../../src/spiffe/identity.ts';
import { type JwtSvid, verifyJwtSvid } from '../../src/spiffe/jwt-svid.ts';
import { TrustBundle } from '../../src/spiffe/trust-bundle.ts';
import { TrustDomain } from '../../src/spiffe/trust-domain.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { enrolled } from '../kit/enrolled.ts';
import { testAuthority } from '../kit/test-authority.ts';

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
const trustDomain = TrustDomain.parse('cluster.local');
let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(() => plane.close());

function mint(identity: Identity, ...audience: readonly string[]): Promise<JwtSvid> {
  const address = { host: '127.0.0.1', port: plane.xdsPort };
  return mintJwtSvid({
    ...{ address, rootNamespace: 'istio-system', identity, audience, nowMs: Date.now() },
  });
}

interface BundleObject {
  readonly spec: { readonly document: string };
}

async function publishedBundle(): Promise<TrustBundle> {
  const place = { name: 'cluster.local' };
  const { spec } = await plane.operator.get<BundleObject>('trustbundles', place);
  return TrustBundle.parseJwks(trustDomain, spec.document);
}

describe('a JWT-SVID of the control plane', () => {
  it('is for the identity that asks, 5 minutes, and is proved by the published bundle', async () => {
    const { identity } = await enrolled(plane, 'reviews');
    const { token } = await mint(identity, 'web', 'db');
    const bundle = await publishedBundle();
    const svid = await verifyJwtSvid({
      ...{ token, audiences: ['db'], nowMs: Date.now(), bundles: () => bundle },
    });
    expect(svid.id.toString()).toBe(REVIEWS);
    expect(svid.audience).toEqual(['web', 'db']);
    const { exp, iat, jti, iss } = svid.claims;
    expect([Number(exp) - Number(iat), iss]).toEqual([
      ...[300, 'https://kubernetes.default.svc.cluster.local'],
    ]);
    expect(plane.audit().at(-1)).toMatchObject({
      ...{ event: 'token.issue', type: 'jwt-svid', subject: REVIEWS, tokenId: jti },
    });
  });

  it('lives no longer than the operator lets the certificates live', async () => {
    const limited = SHOP.replace(
      'labels: { app: products }',
      'annotations: { security.hauberk.dev/svid-lifetime: 30s }',
    );
    await plane.apply(limited);
    const { identity } = await enrolled(plane, 'products');
    const { expiresAtMs } = await mint(identity, 'web');
    expect(expiresAtMs - Date.now()).toBeLessThanOrEqual(30_000);
    await plane.apply(SHOP);
  });

  it('is refused to strangers, for no audience, and to a certificate that was revoked', async () => {
    const stranger = testAuthority().identity(REVIEWS);
    const { identity, serial } = await enrolled(plane, 'reviews');
    const wrong = { ...stranger, bundle: identity.bundle };
    await expect(mint(wrong, 'web')).rejects.toMatchObject({ code: 'ERR_UNAUTHENTICATED' });
    await expect(mint(identity)).rejects.toThrow('1 to 16 audiences');
    await expect(mint(identity, randomUUID())).resolves.toBeDefined();
    const call = { method: 'POST', path: '/v1/certificates/revoke', body: { serial } } as const;
    await callAdmin(plane.dataDir, call);
    await expect(mint(identity, 'web')).rejects.toMatchObject({ code: 'ERR_UNAUTHENTICATED' });
  });

  it('is refused once the service account is gone', async () => {
    await plane.apply(
      'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: x, namespace: shop }',
    );
    const { identity } = await enrolled(plane, 'x');
    await plane.operator.delete('sa', { namespace: 'shop', name: 'x' });
    await expect(mint(identity, 'web')).rejects.toMatchObject({ code: 'ERR_FORBIDDEN' });
  });
});
