import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompactSign } from 'jose';
import { sendRequest } from '../send-request.ts';
import type { Step } from '../step.ts';
import { until } from '../until.ts';

const ISSUER = 'https://login.shop.example';
const LIFETIME_S = 600;

/** Who a request is for, by the token in it. */
export const tokens: Step = {
  id: 'tokens',
  title: 'orders need a token (JWT): none is 403, a forged one 401, a good one goes through',
  async run(stage, findings) {
    const port = stage.ports.services.frontend.outbound.products ?? 0;
    const issuer = newIssuer();
    const file = join(stage.directory, 'products-tokens.yaml');
    writeFileSync(file, policies(issuer.jwks));
    findings.note(
      '$ hauberk apply -f products-tokens.yaml   # RequestAuthentication, and DENY without a token',
    );
    await stage.hauberk('apply', '-f', file);
    const orders = '/api/orders';
    await until(
      'orders without a token are refused',
      async () => (await sendRequest({ port, path: orders })).status === 403,
    );
    const good = await issuer.token();
    const forged = await newIssuer().token();
    for (const [what, path, token, status] of [
      ['products without a token', '/api/products', undefined, 200],
      ['orders without a token', orders, undefined, 403],
      ['orders with a token of ann', orders, good, 200],
      ['orders with a token that somebody else signed', orders, forged, 401],
      ['products with that', '/api/products', forged, 401],
    ] as const) {
      const asked = { port, path, ...(token === undefined ? {} : { token }) };
      const answer = await sendRequest(asked);
      findings.note(`${what}: ${answer.status} ${answer.status === 200 ? '' : answer.text.trim()}`);
      findings.check(`${what} is ${status}`, answer.status === status, `${answer.status}`);
    }
    await stage.hauberk('delete', '-f', file);
    await until(
      'orders are allowed again',
      async () => (await sendRequest({ port, path: orders })).status === 200,
    );
  },
};

interface Issuer {
  readonly jwks: string;
  readonly token: () => Promise<string>;
}

function newIssuer(): Issuer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'shop', use: 'sig' };
  const exp = Math.floor(Date.now() / 1_000) + LIFETIME_S;
  const claims = Buffer.from(JSON.stringify({ iss: ISSUER, sub: 'ann', exp }));
  return {
    jwks: JSON.stringify({ keys: [jwk] }),
    token: () =>
      new CompactSign(claims).setProtectedHeader({ alg: 'ES256', kid: 'shop' }).sign(privateKey),
  };
}

function policies(jwks: string): string {
  return `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: products-tokens, namespace: shop }
spec:
  selector: { matchLabels: { app: products } }
  jwtRules:
    - issuer: ${ISSUER}
      jwks: '${jwks}'
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: products-orders, namespace: shop }
spec:
  selector: { matchLabels: { app: products } }
  action: DENY
  rules:
    - from: [{ source: { notRequestPrincipals: ["*"] } }]
      to: [{ operation: { paths: [/api/orders] } }]
`;
}
