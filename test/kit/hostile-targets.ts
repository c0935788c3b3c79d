import fc from 'fast-check';
import { mapClaims } from '../../src/attestation/claim-mapping.ts';
import { parseJsonWebKeys } from '../../src/attestation/json-web-keys.ts';
import {
  formatTicketUse,
  newTicketSecret,
  parseTicketUse,
  ticketHash,
} from '../../src/attestation/return-ticket.ts';
import { decodeGivenCrls } from '../../src/ca/given-crls.ts';
import { decodeSigningChain } from '../../src/ca/signing-chain.ts';
import { publicKeysOf } from '../../src/control/tokens/public-keys.ts';
import { parseCompactJws } from '../../src/lib/compact-jws.ts';
import { checkRegisteredClaims } from '../../src/lib/registered-claims.ts';
import { parseToken } from '../../src/proxy/tokens/json-web-token.ts';
import { parseKeySet } from '../../src/proxy/tokens/key-set.ts';
import { SpiffeId } from '../../src/spiffe/spiffe-id.ts';
import { TrustBundle } from '../../src/spiffe/trust-bundle.ts';
import { TrustDomain } from '../../src/spiffe/trust-domain.ts';
import { buildCrl } from '../../src/x509/build-crl.ts';
import { type Certificate, isSignedBy, parseCertificate } from '../../src/x509/certificate.ts';
import { isCrlSignedBy, parseCrl } from '../../src/x509/crl.ts';
import { createCsr, parseCsr } from '../../src/x509/csr.ts';
import { readDer } from '../../src/x509/der-reader.ts';
import { readName } from '../../src/x509/distinguished-name.ts';
import { readExtensions } from '../../src/x509/extensions.ts';
import { readAltNames } from '../../src/x509/general-names.ts';
import { generateKeyPair } from '../../src/x509/key-pair.ts';
import { validatePath } from '../../src/x509/path.ts';
import { decodePem, encodePem } from '../../src/x509/pem.ts';
import { importSpki } from '../../src/x509/spki.ts';
import { crlPem, givenCrl } from './given-crl.ts';
import { derLike, mutatedBytes, mutatedText } from './hostile-bytes.ts';
import { hostileBlocks, hostileFrames, readBlocks, readFrames } from './hostile-frames.ts';
import {
  hostileAnswers,
  hostileHeads,
  hostileHttp1,
  hostileHttp2,
  hostilePaths,
  playHttp1,
  playHttp2,
  readAnswer,
  readHead,
  readTarget,
} from './hostile-http.ts';
import {
  hostileDeltaRequests,
  hostileRequestBytes,
  hostileSecretRequests,
  playDeltaRequests,
  playRequestBytes,
  playSecretRequests,
} from './hostile-requests.ts';
import { hostileTokens, verifyToken } from './hostile-tokens.ts';
import { forwardToNode, hostileForwarding, readValid, validHttp1 } from './http-differential.ts';
import { ownCa, pluggedInCa } from './plugged-in-ca.ts';
import { testAuthority } from './test-authority.ts';

/** Something that reads what a stranger sends: it may refuse with a MeshError and nothing else. */
export interface HostileTarget {
  readonly name: string;
  /** Runs one input that the seed and the run number determine. */
  readonly property: fc.IPropertyWithHooks<[unknown]> | fc.IAsyncPropertyWithHooks<[unknown]>;
}

export const authority = testAuthority();
export const { chain } = authority.issue('spiffe://cluster.local/ns/a/sa/b', {
  dnsSans: ['b.a.svc'],
  ipSans: ['10.0.0.1'],
  subject: [{ type: 'CN', value: 'b' }],
});
const rsa = testAuthority({ algorithm: 'rsa-2048' }).root;
const csr = createCsr(generateKeyPair(), { uriSans: ['spiffe://td/x'], commonName: 'x' });
const crl = buildCrl(
  {
    ...{ thisUpdateMs: Date.UTC(2026, 0, 1), nextUpdateMs: Date.UTC(2026, 0, 2), number: 7 },
    entries: [
      { serial: '4f1e', revokedAtMs: Date.UTC(2026, 0, 1), reason: 'keyCompromise' },
      { serial: 'fe', revokedAtMs: Date.UTC(2026, 0, 1), reason: 'unspecified' },
    ],
  },
  { certificate: authority.intermediate, privateKey: authority.intermediateSigner.privateKey },
);
const certificates = [...chain, authority.root, rsa];
const validDer = certificates
  .flatMap(({ der, spkiDer, subjectDer }) => [der, spkiDer, subjectDer])
  .concat(csr, crl.der);

/** Valid DER of all kinds, changed. */
export const mutatedDer: fc.Arbitrary<Uint8Array> = mutatedBytes(validDer);

/** Everything that may be done with a certificate from a stranger. */
function useCertificate(der: Uint8Array): void {
  const certificate: Certificate = parseCertificate(der);
  isSignedBy(certificate, authority.root.publicKey);
  isSignedBy(certificate, certificate.publicKey);
  validatePath({
    leaf: certificate,
    intermediates: [certificate, ...chain],
    roots: [authority.root, certificate],
    nowMs: Date.now(),
    purpose: 'clientAuth',
  });
}

export const derParsers: readonly (readonly [string, (bytes: Uint8Array) => unknown])[] = [
  ['parseCertificate and all that follows', useCertificate],
  ['parseCsr', parseCsr],
  ['parseCrl', (bytes) => isCrlSignedBy(parseCrl(bytes), authority.root.publicKey)],
  ['importSpki', importSpki],
  ['readName', readName],
  ['readExtensions', (bytes) => readDer(bytes, readExtensions)],
  ['readAltNames', (bytes) => readDer(bytes, readAltNames)],
  ['decodePem', (bytes) => decodePem(Buffer.from(bytes).toString('latin1'), 'CERTIFICATE')],
  ['decodePem of a block', (bytes) => decodePem(encodePem('CERTIFICATE', bytes), 'CERTIFICATE')],
];

const trustDomain = TrustDomain.parse('cluster.local');
const nowMs = Date.now();
const root = ownCa({ name: 'root', nowMs });
const files = {
  ...pluggedInCa([ownCa({ name: 'mesh', nowMs, issuer: root }), root]),
  'ca-crl.pem': crlPem(givenCrl(root, { nowMs, revoked: ['4f1e'] })),
};
const fileNames = Object.keys(files) as (keyof typeof files)[];

const jwtBundle = TrustBundle.of(trustDomain, [authority.root], {
  sequence: 3,
  jwtAuthorities: [
    { keyId: 'a', publicKey: generateKeyPair().publicKey },
    { keyId: 'b', publicKey: rsa.publicKey },
  ],
});
const tokenParts = [
  '{"alg":"ES256","kid":"a","typ":"JWT"}',
  `{"sub":"spiffe://cluster.local/ns/a/sa/b","aud":["web"],"exp":${nowMs},"iat":1,"nbf":1.5}`,
];
const base64url = (part: string): string => Buffer.from(part).toString('base64url');
const token = [...tokenParts, 'signature-'].map(base64url).join('.');

/** Tokens whose parts are good base64url of anything. */
function tokenOf(part: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(part, part, part).map((parts) => parts.map(base64url).join('.'));
}

const ticketUse = formatTicketUse({
  ...{ id: '0123456789abcdef', secret: newTicketSecret() },
  ...{ successorHash: ticketHash('a'), place: ticketHash('b') },
});

/** A mapping that a stranger's claims go through. */
function use([conditions, value]: [Record<string, string>, unknown]): void {
  const claims = { ...(value as object), '/': value };
  mapClaims([{ claims: conditions, namespace: '{/a/b}', serviceAccount: '{/}' }], claims);
}

/** Told of each input; what it throws makes the run fail with that input. */
export interface HostileObserver {
  /** The parser threw. */
  threw(error: unknown): void;
  took(ms: number): void;
}

/** Every parser with what it is fed. */
export function hostileTargets(observer: HostileObserver): readonly HostileTarget[] {
  function target<T>(name: string, input: fc.Arbitrary<T>, use: (value: T) => unknown) {
    const property = fc.property(input, (value) => {
      const startMs = performance.now();
      try {
        use(value);
      } catch (error) {
        observer.threw(error);
      }
      observer.took(performance.now() - startMs);
    });
    return { name, property: property as unknown as HostileTarget['property'] };
  }
  function asyncTarget<T>(
    name: string,
    input: fc.Arbitrary<T>,
    use: (value: T) => Promise<unknown>,
  ) {
    const property = fc.asyncProperty(input, async (value) => {
      const startMs = performance.now();
      try {
        await use(value);
      } catch (error) {
        observer.threw(error);
      }
      observer.took(performance.now() - startMs);
    });
    return { name, property: property as unknown as HostileTarget['property'] };
  }
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 400 }), derLike, mutatedDer, mutatedDer);
  const pem = certificates.map(({ der }) => encodePem('CERTIFICATE', der));
  const uris = ['spiffe://cluster.local/ns/a/sa/b', 'spiffe://td', 'spiffe://a-b_c.1/x/..y'];
  const text = (originals: readonly string[]) => fc.oneof(fc.string(), mutatedText(originals));
  return [
    ...derParsers.map(([name, use]) => target(name, bytes, use)),
    target('PEM', text([...pem, pem.join('# between\n')]), (value) =>
      decodePem(value, 'CERTIFICATE').map(parseCertificate),
    ),
    target('JWKS', text([authority.bundle.toJwks(), jwtBundle.toJwks()]), (value) =>
      TrustBundle.parseJwks(trustDomain, value),
    ),
    target('foreign JWKS', text([jwtBundle.toJwtJwks().replaceAll('jwt-svid', 'sig')]), (value) =>
      parseJsonWebKeys(value),
    ),
    target('claim mapping', fc.tuple(fc.dictionary(fc.string(), fc.string()), fc.jsonValue()), use),
    target('return ticket', text([ticketUse]), (value) => parseTicketUse(value)),
    target('JWT', fc.oneof(text([token]), tokenOf(text(tokenParts))), (value) => {
      const { claims } = parseCompactJws(value);
      checkRegisteredClaims(claims, { audiences: ['web'], nowMs });
    }),
    target('SPIFFE ID', text(uris), (value) => SpiffeId.parse(value)),
    target('trust domain', text(['cluster.local', 'a-b_c.1']), (value) => TrustDomain.parse(value)),
    target('SDS requests', hostileSecretRequests, playSecretRequests),
    target('delta SDS requests', hostileDeltaRequests, playDeltaRequests),
    target('SDS request bytes', hostileRequestBytes, playRequestBytes),
    target('HTTP/2 frames', hostileFrames, readFrames),
    target('HPACK', hostileBlocks, readBlocks),
    target('HTTP/1 heads', hostileHeads, readHead),
    target('HTTP/1 connections', hostileHttp1, playHttp1),
    asyncTarget('HTTP/1 as Node reads it', validHttp1, readValid),
    asyncTarget('HTTP/1 that goes on to Node', hostileForwarding, forwardToNode),
    asyncTarget('tokens that were signed', hostileTokens, verifyToken),
    target('HTTP/1 answers', hostileAnswers, readAnswer),
    target('HTTP/2 requests', hostileHttp2, playHttp2),
    target('paths', hostilePaths, readTarget),
    target('tokens of requests', fc.oneof(text([token]), tokenOf(text(tokenParts))), parseToken),
    target('JWKS of issuers', text([jwtBundle.toJwtJwks()]), (value) => {
      publicKeysOf(value);
      parseKeySet(value);
    }),
    target(
      'plug-in CA',
      fc
        .constantFrom(...fileNames)
        .chain((name) =>
          mutatedText([files[name]]).map((changed) => ({ ...files, [name]: changed })),
        ),
      (changed) => {
        const signing = decodeSigningChain(changed, { trustDomain, nowMs });
        decodeGivenCrls(changed['ca-crl.pem'], { chain: signing, nowMs });
      },
    ),
  ];
}
