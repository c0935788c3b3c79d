import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { tokenRules } from '../../src/policy/tokens/token-rules.ts';
import { parseKeySet } from '../../src/proxy/tokens/key-set.ts';
import { TokenVerifier } from '../../src/proxy/tokens/token-verifier.ts';
import { mutatedText } from './hostile-bytes.ts';
import { ManualClock } from './manual-clock.ts';

// An issuer with two keys, tokens that it signed, and what strangers make of them.

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW_S = NOW_MS / 1_000;
const ISSUER = 'https://issuer.example';
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const strangers = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = (key: KeyObject, kid: string, alg: string) => ({
  ...key.export({ format: 'jwk' }),
  ...{ kid, alg, use: 'sig' },
});
const jwks = JSON.stringify({
  keys: [jwk(ec.publicKey, 'e', 'ES256'), jwk(rsa.publicKey, 'r', 'RS256')],
});
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(header: object, claims: object, key: KeyObject): string {
  const input = `${part(header)}.${part(claims)}`;
  const { asymmetricKeyType } = key;
  const options = asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' as const } : key;
  return `${input}.${sign('sha256', Buffer.from(input), options).toString('base64url')}`;
}

const claims = { iss: ISSUER, sub: 'ann', aud: 'web', exp: NOW_S + 600 };
/** The tokens that the issuer made and that hold now. */
const good = [
  signed({ alg: 'ES256', kid: 'e' }, claims, ec.privateKey),
  signed({ alg: 'RS256', kid: 'r', typ: 'JWT' }, { ...claims, aud: ['web', 'x'] }, rsa.privateKey),
  signed({ alg: 'RS256' }, { ...claims, sub: 'bob' }, rsa.privateKey),
];
/** Those that it made and that hold no more, not yet, or not here. */
const bad = [
  signed({ alg: 'ES256', kid: 'e' }, { ...claims, exp: NOW_S - 61 }, ec.privateKey),
  signed({ alg: 'ES256', kid: 'e' }, { ...claims, nbf: NOW_S + 61 }, ec.privateKey),
  signed({ alg: 'ES256', kid: 'e' }, { ...claims, aud: 'other' }, ec.privateKey),
  signed({ alg: 'ES256', kid: 'e' }, { ...claims, iss: 'https://other' }, ec.privateKey),
];
const acceptable = new Set(good);

const algorithms = [
  ...['none', 'None', 'NONE', 'nOnE', '', 'HS256', 'HS384', 'HS512', 'ES256', 'ES384', 'RS256'],
  ...['PS256', 'EdDSA', 'RS1', 'dir', 'RSA-OAEP'],
];
const keyIds = [
  ...['e', 'r', '', '../../dev/null', "' OR 1=1", '__proto__', 'e\0', 'x'.repeat(300)],
];
const header = fc.record(
  {
    alg: fc.oneof(fc.constantFrom(...algorithms), fc.jsonValue()),
    kid: fc.oneof(fc.constantFrom(...keyIds), fc.jsonValue()),
    typ: fc.constantFrom('JWT', 'at+jwt', 'JOSE+JSON'),
    jwk: fc.constant(jwk(strangers.publicKey, 'e', 'ES256')),
    jku: fc.constant('https://attacker.example/jwks'),
    x5u: fc.constant('https://attacker.example/cert'),
    crit: fc.constantFrom([], ['exp'], ['b64']),
    b64: fc.boolean(),
  },
  { requiredKeys: ['alg'] },
);
const time = fc.oneof(
  fc.constantFrom(NOW_S, NOW_S + 600, NOW_S - 600, -1, 1e308, '9999999999', null, [], true),
  fc.double(),
);
const payload = fc.record(
  {
    iss: fc.constantFrom(ISSUER, 'https://other', '', 7),
    sub: fc.oneof(fc.constantFrom('ann', 'root'), fc.jsonValue()),
    aud: fc.oneof(fc.constantFrom('web', ['web']), fc.jsonValue()),
    exp: time,
    nbf: time,
    deep: fc.integer({ min: 1, max: 300 }).map((depth) => nested(depth)),
  },
  { requiredKeys: ['iss'] },
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

/** Header and claims of a stranger's choice, with a signature of one's own, of the public key, or of another token. */
const forged = fc
  .tuple(header, payload, fc.constantFrom('own', 'none', 'secret', 'borrowed'))
  .map(([head, body, how]) => {
    const input = `${part(head)}.${part(body)}`;
    const own = { key: strangers.privateKey, dsaEncoding: 'ieee-p1363' as const };
    switch (how) {
      case 'own':
        return `${input}.${sign('sha256', Buffer.from(input), own).toString('base64url')}`;
      case 'secret':
        return `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`;
      case 'borrowed':
        return `${input}.${good[0]?.split('.')[2] ?? ''}`;
      default:
        return `${input}.`;
    }
  });
/** Parts of real tokens put together otherwise. */
const mixed = fc
  .tuple(fc.constantFrom(...good, ...bad), fc.constantFrom(...good, ...bad))
  .chain(([one, other]) =>
    fc.constantFrom([0, 1], [1, 2], [0, 2], [2, 1]).map(([from = 0, to = 1]) => {
      const parts = one.split('.');
      parts[to] = other.split('.')[from] ?? '';
      return parts.join('.');
    }),
  );

export const hostileTokens: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: mutatedText([...good, ...bad]), weight: 4 },
  { arbitrary: forged, weight: 4 },
  { arbitrary: mixed, weight: 2 },
  { arbitrary: fc.constantFrom(...good, ...bad), weight: 1 },
  { arbitrary: fc.string({ maxLength: 20_000, size: 'max' }), weight: 1 },
);

const [rule] = tokenRules(
  [
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'RequestAuthentication',
      metadata: { name: 'a', namespace: 'b' },
      spec: { jwtRules: [{ issuer: ISSUER, audiences: ['web'], jwks }] },
    },
  ],
  { namespace: 'b', labels: {} },
  { rootNamespace: 'istio-system' },
);
const keys = parseKeySet(jwks);
let verifier: TokenVerifier | undefined;
let asked = 0;
const FRESH = 5_000;

/** Only what the issuer signed, and what holds now, is taken: to the last character. */
export async function verifyToken(text: string): Promise<void> {
  // what is remembered is looked at too, and made anew now and then
  if (verifier === undefined || asked++ % FRESH === 0) {
    if (rule === undefined) throw new Error('no rule');
    verifier = new TokenVerifier(rule, keys, new ManualClock(NOW_MS));
  }
  const result = await verifier.verify(text);
  if (result.good !== acceptable.has(text)) {
    throw new Error(result.good ? 'a token that nobody made is taken' : 'a good token is refused');
  }
}
