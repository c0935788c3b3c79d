import { setTimeout as delay } from 'node:timers/promises';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { obtainSvid } from '../../src/agent/identity/obtain-svid.ts';
import { fetchPinnedRoot } from '../../src/agent/identity/pinned-root.ts';
import { controlPlaneLink } from '../../src/agent/link/control-plane-link.ts';
import { IstioCertificateService } from '../../src/gen/istio/v1/auth/ca_pb.js';
import { systemClock } from '../../src/lib/clock.ts';
import type { Identity } from '../../src/spiffe/identity.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { createCsr } from '../../src/x509/csr.ts';
import { generateKeyPair } from '../../src/x509/key-pair.ts';
import { decodePem, encodePem } from '../../src/x509/pem.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { testAuthority } from '../kit/test-authority.ts';

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
const { signal } = new AbortController();
let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(() => plane.close());

const address = () => ({ host: '127.0.0.1', port: plane.xdsPort });

function csrPem(names: Parameters<typeof createCsr>[1] = {}): string {
  return encodePem('CERTIFICATE REQUEST', createCsr(generateKeyPair(), names));
}

/** One call as any client could make it: the answer's chain, or the gRPC code and message. */
async function call(
  request: { csr: string; lifetimeS?: number },
  credentials: { bearer?: string; identity?: Identity } = {},
): Promise<{ chain?: readonly string[]; code?: Code; message?: string }> {
  const { rootFingerprint } = plane;
  const bundle = await fetchPinnedRoot({ address: address(), rootFingerprint, nowMs: Date.now() });
  const link = controlPlaneLink({
    address: address(),
    bundle,
    identity: credentials.identity,
    rootNamespace: 'istio-system',
  });
  const headers: Record<string, string> = {};
  if (credentials.bearer !== undefined) headers['authorization'] = `Bearer ${credentials.bearer}`;
  try {
    const client = createClient(IstioCertificateService, link.transport);
    const message = { csr: request.csr, validityDuration: BigInt(request.lifetimeS ?? 0) };
    return { chain: (await client.createCertificate(message, { headers })).certChain };
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return { code, message: rawMessage };
  } finally {
    link.close();
  }
}

function enrolled(token: string): Promise<Identity> {
  const obtain = obtainSvid({
    address: address(),
    rootNamespace: 'istio-system',
    token,
    clock: systemClock,
  });
  return obtain(undefined, generateKeyPair(), signal);
}

function issuedLines(): number {
  return plane
    .audit()
    .filter(({ event, outcome }) => event === 'certificate.issue' && outcome === 'success').length;
}

describe('enrolment and renewal', () => {
  it('gives a token its identity, then renews with the SVID alone', async () => {
    const token = await plane.createToken('shop', 'reviews');
    const obtain = obtainSvid({
      address: address(),
      rootNamespace: 'istio-system',
      token,
      clock: systemClock,
    });
    const first = await obtain(undefined, generateKeyPair(), signal);
    expect(first.svid.id.toString()).toBe(REVIEWS);
    const second = await obtain(first, generateKeyPair(), signal);
    expect(second.svid.id.toString()).toBe(REVIEWS);
    expect(second.svid.chain[0]?.serial).not.toBe(first.svid.chain[0]?.serial);
  });

  it('answers as Istio does: leaf first, root last, the identity from the caller', async () => {
    const { chain = [] } = await call(
      { csr: csrPem() },
      { bearer: await plane.createToken('shop', 'reviews') },
    );
    const certificates = chain
      .flatMap((pem) => decodePem(pem, 'CERTIFICATE'))
      .map(parseCertificate);
    expect(certificates).toHaveLength(3);
    expect(certificates[0]?.uriSans).toEqual([REVIEWS]);
    expect(certificates.map(({ isCa }) => isCa)).toEqual([false, true, true]);
    expect(certificates[2]?.subject).toBe(certificates[2]?.issuer);
  });

  it('takes the lifetime in seconds', async () => {
    const bearer = await plane.createToken('shop', 'reviews');
    const { chain = [] } = await call({ csr: csrPem(), lifetimeS: 60 }, { bearer });
    const [leaf] = decodePem(chain[0] ?? '', 'CERTIFICATE').map(parseCertificate);
    const restS = ((leaf?.notAfterMs ?? 0) - Date.now()) / 1_000;
    expect(restS).toBeGreaterThan(50);
    expect(restS).toBeLessThanOrEqual(60);
  });

  it('follows the lifetime that the operator writes on the service account, at once', async () => {
    const limited = SHOP.replace(
      'labels: { app: products }',
      'annotations: { security.hauberk.dev/svid-lifetime: 30s }',
    );
    await plane.apply(limited);
    const { svid } = await enrolled(await plane.createToken('shop', 'products'));
    expect((svid.chain[0]?.notAfterMs ?? 0) - Date.now()).toBeLessThanOrEqual(30_000);
    await plane.apply(SHOP);
  });
});

describe('what is refused, each with its gRPC code, an audit line, and nothing issued', () => {
  const cases: readonly [string, () => Promise<Awaited<ReturnType<typeof call>>>, Code, RegExp][] =
    [
      [
        'a reused token',
        async () => {
          const bearer = await plane.createToken('shop', 'reviews');
          await call({ csr: csrPem() }, { bearer });
          return call({ csr: csrPem() }, { bearer });
        },
        Code.Unauthenticated,
        /was used at .*; make a new one/,
      ],
      [
        'an expired token',
        async () => {
          const bearer = await plane.createToken('shop', 'reviews', '1ms');
          await delay(20);
          return call({ csr: csrPem() }, { bearer });
        },
        Code.Unauthenticated,
        /expired .* ago/,
      ],
      [
        'a forged token',
        async () => {
          const [version, id, , pin] = (await plane.createToken('shop', 'reviews')).split('.');
          return call({ csr: csrPem() }, { bearer: [version, id, 'A'.repeat(43), pin].join('.') });
        },
        Code.Unauthenticated,
        /is not known here/,
      ],
      [
        'no credentials',
        () => call({ csr: csrPem() }),
        Code.Unauthenticated,
        /neither a client certificate/,
      ],
      [
        'a CSR with another identity in it',
        async () =>
          call(
            { csr: csrPem({ uriSans: ['spiffe://cluster.local/ns/shop/sa/admin'] }) },
            { bearer: await plane.createToken('shop', 'reviews') },
          ),
        Code.PermissionDenied,
        /names "spiffe:\/\/cluster.local\/ns\/shop\/sa\/admin", the certificate would be for/,
      ],
      [
        'a CSR whose signature is bad',
        async () => {
          const der = Buffer.from(createCsr(generateKeyPair()));
          der[der.length - 5] = (der[der.length - 5] ?? 0) ^ 0xff;
          const bearer = await plane.createToken('shop', 'reviews');
          return call({ csr: encodePem('CERTIFICATE REQUEST', der) }, { bearer });
        },
        Code.InvalidArgument,
        /sign/,
      ],
      [
        'a CSR of 1 MB',
        async () =>
          call(
            { csr: 'A'.repeat(1_048_576) },
            { bearer: await plane.createToken('shop', 'reviews') },
          ),
        Code.InvalidArgument,
        /has 1048576 bytes, at most 16384/,
      ],
      [
        'something that is no CSR',
        async () => call({ csr: 'hello' }, { bearer: await plane.createToken('shop', 'reviews') }),
        Code.InvalidArgument,
        /CERTIFICATE REQUEST/,
      ],
      [
        'a lifetime above the maximum',
        async () =>
          call(
            { csr: csrPem(), lifetimeS: 91 * 86_400 },
            { bearer: await plane.createToken('shop', 'reviews') },
          ),
        Code.InvalidArgument,
        /longest granted is 90d/,
      ],
      [
        'a client certificate of another authority',
        () => call({ csr: csrPem() }, { identity: testAuthority().identity(REVIEWS) }),
        Code.Unauthenticated,
        /root|trust/,
      ],
      [
        'an identity whose service account is gone',
        async () => {
          await plane.apply(
            `apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: leaving, namespace: shop }`,
          );
          const identity = await enrolled(await plane.createToken('shop', 'leaving'));
          await plane.operator.delete('sa', { namespace: 'shop', name: 'leaving' });
          return call({ csr: csrPem() }, { identity });
        },
        Code.PermissionDenied,
        /there is no ServiceAccount/,
      ],
    ];

  it.each(cases)('%s', async (_name, attempt, code, message) => {
    const answer = await attempt();
    const issued = issuedLines();
    const last = plane.audit().at(-1);
    expect(answer).toMatchObject({ code });
    expect(answer.message).toMatch(message);
    expect(last).toMatchObject({ event: 'certificate.issue', outcome: 'failure' });
    expect(String(last?.['reason'])).toMatch(message);
    expect(issuedLines()).toBe(issued);
  });

  it('spends no token on a request that it refuses', async () => {
    const bearer = await plane.createToken('shop', 'reviews');
    await call({ csr: 'hello' }, { bearer });
    expect((await call({ csr: csrPem() }, { bearer })).chain).toHaveLength(3);
  });

  it('never writes a token or its secret into the audit log or the database', async () => {
    const token = await plane.createToken('shop', 'reviews');
    await enrolled(token);
    const { readdirSync, readFileSync } = await import('node:fs');
    const secret = token.split('.')[2] ?? '';
    expect(secret).toHaveLength(43);
    for (const file of readdirSync(plane.dataDir)) {
      if (file.endsWith('.sock') || file.endsWith('.lock')) continue;
      const bytes = readFileSync(`${plane.dataDir}/${file}`);
      expect(bytes.includes(secret), file).toBe(false);
      expect(bytes.includes('PRIVATE KEY'), file).toBe(false);
    }
  });
});

describe('the pin in the token', () => {
  it('keeps a workload away from a control plane of another mesh', async () => {
    const token = await plane.createToken('shop', 'reviews');
    const other = await controlPlaneRig();
    const elsewhere = { host: '127.0.0.1', port: other.xdsPort };
    const obtain = obtainSvid({
      address: elsewhere,
      rootNamespace: 'istio-system',
      token,
      clock: systemClock,
    });
    await expect(obtain(undefined, generateKeyPair(), signal)).rejects.toThrow(
      /does not belong to the mesh that made this token/,
    );
    expect(other.audit().filter(({ event }) => event === 'certificate.issue')).toEqual([]);
    await other.close();
  });
});
