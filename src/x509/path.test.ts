import { describe, expect, it } from 'vitest';
import { rawCertificate, rawExtension, rawExtensions } from '../../test/kit/raw-certificate.ts';
import { testAuthority } from '../../test/kit/test-authority.ts';
import {
  buildCertificate,
  type CertificateSigner,
  type CertificateTemplate,
} from './build-certificate.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { booleanTrue, sequence } from './der-writer.ts';
import { nameDer } from './distinguished-name.ts';
import { generateKeyPair } from './key-pair.ts';
import { type PathQuestion, validatePath } from './path.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;
const authority = testAuthority({ nowMs: NOW_MS });
const { root, intermediate, rootSigner, intermediateSigner } = authority;
let serials = 0;

type Signer = CertificateSigner & { readonly certificate: Certificate };

/** A CA named `name`, valid around NOW_MS. */
function ca(
  name: string,
  issuer: Signer | undefined,
  more: Partial<CertificateTemplate> = {},
): Signer {
  const { publicKey, privateKey } = generateKeyPair();
  const certificate = buildCertificate(
    {
      serial: Uint8Array.of(1, ++serials),
      subject: [{ type: 'CN', value: name }],
      notBeforeMs: NOW_MS - DAY_MS,
      notAfterMs: NOW_MS + DAY_MS,
      publicKey,
      isCa: true,
      keyUsage: ['keyCertSign'],
      ...more,
    },
    issuer ?? { certificate: undefined, privateKey },
  );
  return { certificate, privateKey };
}

function leaf(signer: CertificateSigner, more: Partial<CertificateTemplate> = {}): Certificate {
  const [certificate] = authority.issue('spiffe://cluster.local/ns/a/sa/b', {
    signer,
    ...more,
  }).chain;
  if (certificate === undefined) throw new Error('no leaf');
  return certificate;
}

function ask(more: Partial<PathQuestion>): readonly Certificate[] {
  return validatePath({
    leaf: leaf(intermediateSigner),
    intermediates: [intermediate],
    roots: [root],
    nowMs: NOW_MS,
    ...more,
  });
}

const refusal = (problem: string | RegExp): unknown =>
  expect.objectContaining({ code: 'ERR_PATH', message: expect.stringMatching(problem) });

describe('validatePath', () => {
  it('gives the path from leaf to root', () => {
    const good = leaf(intermediateSigner);
    expect(ask({ leaf: good, purpose: 'serverAuth' })).toEqual([good, intermediate, root]);
  });

  it('needs no intermediate when the root issued the leaf', () => {
    const direct = leaf(rootSigner);
    expect(ask({ leaf: direct, intermediates: [] })).toEqual([direct, root]);
  });

  it('takes intermediates in any order, with strangers, copies and the root among them', () => {
    const second = ca('second', intermediateSigner as Signer);
    const good = leaf(second);
    const strangers = [ca('stranger', undefined).certificate, root, good];
    expect(
      ask({
        leaf: good,
        intermediates: [...strangers, intermediate, second.certificate, intermediate],
      }),
    ).toEqual([good, second.certificate, intermediate, root]);
  });

  it('takes a root as its own path', () => {
    expect(ask({ leaf: root })).toEqual([root]);
  });

  it('does not trust a leaf because it is among the roots', () => {
    const good = leaf(intermediateSigner);
    expect(() => ask({ leaf: good, intermediates: [], roots: [good] })).toThrow(
      refusal('neither a trusted root nor in the chain'),
    );
  });

  it('trusts no self-signed certificate that was not given as root', () => {
    const own = ca('own', undefined);
    expect(() => ask({ leaf: leaf(own), intermediates: [own.certificate] })).toThrow(
      refusal('neither a trusted root'),
    );
    expect(() => ask({ roots: [] })).toThrow(refusal(`"${root.subject}"`));
  });

  it('names certificate and both clocks when one has expired', () => {
    const old = leaf(intermediateSigner, {
      notAfterMs: NOW_MS - 90_000,
      serial: Uint8Array.of(0xbe),
    });
    expect(() => ask({ leaf: old })).toThrow(
      refusal(
        'certificate "spiffe://cluster.local/ns/a/sa/b" \\(serial be\\) expired 1m30s ago: it ended at 2026-05-31T23:58:30Z, the clock here says 2026-06-01T00:00:00Z',
      ),
    );
  });

  it('names certificate and both clocks when one is not yet valid', () => {
    const early = leaf(intermediateSigner, { notBeforeMs: NOW_MS + 5_000 });
    expect(() => ask({ leaf: early })).toThrow(
      refusal(
        'not yet valid, for another 5s: it begins at 2026-06-01T00:00:05Z, the clock here says 2026-06-01T00:00:00Z',
      ),
    );
  });

  it.each([
    ['at its first second', { notBeforeMs: NOW_MS }],
    ['at its last second', { notAfterMs: NOW_MS }],
  ])('takes a certificate %s', (_, more) => {
    expect(ask({ leaf: leaf(intermediateSigner, more) })).toHaveLength(3);
  });

  it('looks at the validity of intermediate and root too', () => {
    const oldRoot = ca('old root', undefined, { notAfterMs: NOW_MS - 1_000 });
    const oldCa = ca('old ca', rootSigner as Signer, { notAfterMs: NOW_MS - 1_000 });
    expect(() =>
      ask({ leaf: leaf(oldRoot), intermediates: [], roots: [oldRoot.certificate] }),
    ).toThrow(refusal('certificate "CN=old root" .* expired 1s ago'));
    expect(() => ask({ leaf: leaf(oldCa), intermediates: [oldCa.certificate] })).toThrow(
      refusal('certificate "CN=old ca" .* expired 1s ago'),
    );
  });

  it.each<[string, Partial<CertificateTemplate>, string]>([
    ['is not CA:true', { isCa: false, keyUsage: ['digitalSignature'] }, 'not CA:true'],
    ['lacks keyCertSign', { keyUsage: ['cRLSign'] }, 'lacks keyCertSign'],
    ['is for another purpose', { extendedKeyUsage: ['clientAuth'] }, 'is not for serverAuth'],
  ])('refuses an issuer that %s', (_, more, problem) => {
    const issuer = ca('issuer', rootSigner as Signer, more);
    expect(() =>
      ask({ leaf: leaf(issuer), intermediates: [issuer.certificate], purpose: 'serverAuth' }),
    ).toThrow(refusal(`certificate "CN=issuer" .*${problem}`));
  });

  it('counts the CAs below a path length', () => {
    const short = ca('short', undefined, { pathLength: 0 });
    const below = ca('below', short);
    const question = { roots: [short.certificate], intermediates: [below.certificate] };
    expect(ask({ ...question, leaf: leaf(short) })).toHaveLength(2);
    expect(() => ask({ ...question, leaf: leaf(below) })).toThrow(
      refusal('certificate "CN=short" .* allows 0 CAs below it, and here are 1'),
    );
  });

  it('does not count a self-issued certificate of a key change against the path length', () => {
    const old = ca('same name', undefined, { pathLength: 0 });
    const renewed = ca('same name', old);
    expect(
      ask({ leaf: leaf(renewed), intermediates: [renewed.certificate], roots: [old.certificate] }),
    ).toHaveLength(3);
  });

  it('refuses a critical extension that it does not know, name constraints included', () => {
    const strange = parseCertificate(
      rawCertificate({ extensions: rawExtensions(rawExtension('2.5.29.30', sequence(), true)) }),
    );
    expect(() => ask({ leaf: strange })).toThrow(refusal('not understood here: 2.5.29.30'));
  });

  it('looks at the purpose of the leaf only when asked', () => {
    const client = leaf(intermediateSigner, { extendedKeyUsage: ['clientAuth'] });
    expect(ask({ leaf: client })).toHaveLength(3);
    expect(ask({ leaf: client, purpose: 'clientAuth' })).toHaveLength(3);
    expect(() => ask({ leaf: client, purpose: 'serverAuth' })).toThrow(
      refusal('is not for serverAuth: its extended key usage is clientAuth'),
    );
    const unlimited = leaf(intermediateSigner, { extendedKeyUsage: [] });
    expect(ask({ leaf: unlimited, purpose: 'serverAuth' })).toHaveLength(3);
  });

  it('refuses a signature by another key of the same name', () => {
    const [real, forged] = [ca('twin', undefined), ca('twin', undefined)];
    expect(() => ask({ leaf: leaf(forged), intermediates: [], roots: [real.certificate] })).toThrow(
      refusal('certificate "CN=twin" .* its key did not sign it'),
    );
  });

  it('finds the right root among several of one name', () => {
    const twins = Array.from({ length: 5 }, () => ca('twin', undefined));
    for (const twin of twins) {
      const roots = twins.map(({ certificate }) => certificate);
      const good = leaf(twin);
      expect(ask({ leaf: good, intermediates: [], roots })).toEqual([good, twin.certificate]);
    }
  });

  it('takes the root that is still valid when an old one has the same name and key', () => {
    const { publicKey, privateKey } = generateKeyPair();
    const more = { publicKey };
    const signer = { certificate: undefined, privateKey } as unknown as Signer;
    const old = ca('renewed', signer, { ...more, notAfterMs: NOW_MS - 1 });
    const renewed = ca('renewed', signer, more);
    const good = leaf({ certificate: renewed.certificate, privateKey });
    const roots = [old.certificate, renewed.certificate];
    expect(ask({ leaf: good, intermediates: [], roots })).toEqual([good, renewed.certificate]);
  });

  it('says when a signature algorithm is not accepted', () => {
    // Not signed by anybody: what counts is that the algorithm is named before the key is blamed.
    const der = Buffer.from(rawCertificate({ issuer: nameDer([{ type: 'CN', value: 'sha224' }]) }));
    const ecdsaWithSha256 = Buffer.from('2a8648ce3d040302', 'hex');
    for (let at = der.indexOf(ecdsaWithSha256); at !== -1; at = der.indexOf(ecdsaWithSha256)) {
      Buffer.from('2a8648ce3d040301', 'hex').copy(der, at);
    }
    const issuer = ca('sha224', undefined);
    expect(() =>
      ask({ leaf: parseCertificate(der), intermediates: [], roots: [issuer.certificate] }),
    ).toThrow(refusal('an algorithm that is not accepted'));
  });

  it('refuses an issuer whose key is no point of its curve', () => {
    const name = nameDer([{ type: 'CN', value: 'broken' }]);
    const spki = Buffer.from(ca('x', undefined).certificate.spkiDer);
    spki[80] = (spki[80] ?? 0) ^ 1;
    const broken = parseCertificate(
      rawCertificate({
        subject: name,
        spki,
        extensions: rawExtensions(rawExtension('2.5.29.19', sequence(booleanTrue), true)),
      }),
    );
    const child = parseCertificate(rawCertificate({ issuer: name }));
    expect(() => ask({ leaf: child, intermediates: [], roots: [broken] })).toThrow(
      refusal('has a key that cannot be used'),
    );
  });

  it('follows at most eight certificates', () => {
    let signer = rootSigner as Signer;
    const intermediates: Certificate[] = [];
    for (let i = 0; i < 7; i++) {
      signer = ca(`level ${i}`, signer);
      intermediates.push(signer.certificate);
      const path = (): unknown => ask({ leaf: leaf(signer), intermediates });
      if (i < 6) expect(path()).toHaveLength(i + 3);
      else expect(path).toThrow(refusal('longer than 8 certificates'));
    }
  });

  it('stops after 64 signatures', () => {
    // The one that signed comes last, and without key identifiers all are tried in order.
    const twins = Array.from({ length: 65 }, () => ca('twin', undefined));
    const roots = twins.map(({ certificate }) => ({ ...certificate, subjectKeyId: undefined }));
    const [found, tooLate] = twins.slice(-2).map((signer) => leaf(signer));
    expect(ask({ leaf: found ?? root, intermediates: [], roots })).toHaveLength(2);
    expect(() => ask({ leaf: tooLate ?? root, intermediates: [], roots })).toThrow(
      refusal('more than 64 signatures would have to be checked; give each CA a name of its own'),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 9e15])('refuses the time %d', (nowMs) => {
    expect(() => ask({ nowMs })).toThrow(refusal('is not a time'));
  });

  it('shortens long names of strangers in messages', () => {
    const words = Array.from(
      { length: 5 },
      (_, i) => ({ type: 'OU', value: `${i}`.repeat(64) }) as const,
    );
    const stranger = ca('x', undefined, { subject: words });
    const refused = (): unknown => ask({ leaf: leaf(stranger), intermediates: [] });
    expect(refused).toThrow(refusal(/issued by "OU=4{64},.*…", which is neither/));
  });

  it('refuses more than 32 intermediates unseen', () => {
    expect(() => ask({ intermediates: Array(33).fill(intermediate) })).toThrow(
      refusal('a chain of 34 certificates'),
    );
  });
});
