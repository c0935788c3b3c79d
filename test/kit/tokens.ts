import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';

/** An issuer of tokens with keys of its own. */
export interface TestIssuer {
  readonly issuer: string;
  /** The JWKS, as text. */
  readonly jwks: string;
  readonly publicKey: KeyObject;
  /** A token for `ann` that lasts an hour, but for what is given; undefined leaves a claim out. */
  token(
    claims?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>;
}

/** An issuer with one ES256 key. */
export function testIssuer(issuer = 'https://issuer.example', keyId = 'k1'): TestIssuer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: keyId, use: 'sig', alg: 'ES256' };
  return {
    issuer,
    publicKey,
    jwks: JSON.stringify({ keys: [jwk] }),
    token(claims = {}, header = {}) {
      const nowS = Math.floor(Date.now() / 1_000);
      const all = { iss: issuer, sub: 'ann', exp: nowS + 3_600, ...claims };
      return new CompactSign(Buffer.from(JSON.stringify(all)))
        .setProtectedHeader({ alg: 'ES256', kid: keyId, typ: 'JWT', ...header })
        .sign(privateKey);
    },
  };
}

/** A token that nobody signed, of any header. */
export function unsignedToken(header: unknown, claims: unknown, signature = 'AA'): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${signature}`;
}
