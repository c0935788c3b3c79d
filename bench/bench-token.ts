import { generateKeyPairSync } from 'node:crypto';
import { CompactSign } from 'jose';

const ISSUER = 'https://bench.example';
const HOUR_S = 3_600;
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });

/** An issuer, its keys, and the header with a token of it that lasts for a day. */
export async function benchToken(): Promise<{
  readonly issuer: string;
  readonly jwks: string;
  readonly header: string;
}> {
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'RS256', use: 'sig' };
  const expS = Math.floor(Date.now() / 1_000) + 24 * HOUR_S;
  const claims = { iss: ISSUER, sub: 'bench', exp: expS, groups: ['a', 'b'] };
  const token = await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'RS256', kid: 'bench' })
    .sign(privateKey);
  return {
    issuer: ISSUER,
    jwks: JSON.stringify({ keys: [jwk] }),
    header: `Authorization: Bearer ${token}`,
  };
}
