import { describe, expect, it } from 'vitest';
import { ownCa, pluggedInCa } from '../../test/kit/plugged-in-ca.ts';
import { MeshError } from '../lib/errors.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { type PluggedInFiles, pluggedInFiles } from './plugged-in-files.ts';
import { chainEndsAtMs, decodeSigningChain } from './signing-chain.ts';

const DAY_MS = 86_400_000;
const nowMs = Date.UTC(2026, 0, 1);
const trustDomain = TrustDomain.parse('cluster.local');
const root = ownCa({ name: 'root', nowMs, notAfterMs: nowMs + 3650 * DAY_MS });
const policy = ownCa({ name: 'policy', nowMs, issuer: root, notAfterMs: nowMs + 30 * DAY_MS });
const signer = ownCa({ name: 'mesh', nowMs, issuer: policy, pathLength: 0 });
const good = pluggedInCa([signer, policy, root]);
const other = pluggedInCa([ownCa({ name: 'other', nowMs, issuer: root }), root]);

const decode = (files: PluggedInFiles, atMs = nowMs) =>
  decodeSigningChain(files, { trustDomain, nowMs: atMs });

describe('decodeSigningChain', () => {
  it('finds the way from the signer to the root', () => {
    const { above, roots } = decode(good);
    expect(above.map(({ subject }) => subject)).toEqual([policy.certificate.subject]);
    expect(roots.map(({ serial }) => serial)).toEqual([root.certificate.serial]);
  });

  it('puts the root that it leads to first, whatever their order in the file', () => {
    const next = pluggedInCa([ownCa({ name: 'next root', nowMs })]);
    const both = `${next['root-cert.pem']}${good['root-cert.pem']}`;
    const { roots } = decode({ ...good, 'root-cert.pem': both });
    expect(roots.map(({ subject }) => subject)).toEqual([
      root.certificate.subject,
      expect.stringContaining('next root'),
    ]);
  });

  it('knows when the first of the chain ends, be it above the signer', () => {
    expect(chainEndsAtMs(decode(good))).toBe(nowMs + 30 * DAY_MS);
  });

  it.each([31, 366, 4000])(
    'reads a chain of which something has expired, after %i days',
    (days) => {
      expect(decode(good, nowMs + days * DAY_MS).above).toHaveLength(1);
    },
  );

  it.each<[string, PluggedInFiles, RegExp]>([
    [
      'the key of another certificate',
      { ...good, 'ca-key.pem': other['ca-key.pem'] },
      /ca-key.pem is not the key of ca-cert.pem/,
    ],
    [
      'a key that is encrypted',
      {
        ...good,
        'ca-key.pem': signer.privateKey
          .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
          .toString(),
      },
      /not an unencrypted private key/,
    ],
    [
      'another root',
      {
        ...good,
        'root-cert.pem': pluggedInCa([ownCa({ name: 'stranger', nowMs })])['root-cert.pem'],
      },
      /was issued by .*root.*, which is neither a trusted root nor in the chain/,
    ],
    [
      'a chain with a gap',
      { ...good, 'cert-chain.pem': good['ca-cert.pem'] },
      /was issued by .*policy.*neither a trusted root/,
    ],
    [
      'a root that calls itself the same but signed nothing',
      { ...good, 'root-cert.pem': pluggedInCa([ownCa({ name: 'root', nowMs })])['root-cert.pem'] },
      /its key did not sign it/,
    ],
    [
      'two certificates where the signer is',
      { ...good, 'ca-cert.pem': good['cert-chain.pem'] },
      /holds 2 certificates; those above it go into cert-chain.pem/,
    ],
    [
      'a signer that is a leaf',
      pluggedInCa([
        ownCa({ name: 'leaf', nowMs, issuer: root, isCa: false, keyUsage: ['digitalSignature'] }),
        root,
      ]),
      /is not a CA certificate/,
    ],
    [
      'a signer that may not sign certificates',
      pluggedInCa([ownCa({ name: 'crl', nowMs, issuer: root, keyUsage: ['cRLSign'] }), root]),
      /lacks keyCertSign/,
    ],
    [
      'a signer for servers only',
      pluggedInCa([
        ownCa({ name: 'web', nowMs, issuer: root, extendedKeyUsage: ['serverAuth'] }),
        root,
      ]),
      /is not for clientAuth/,
    ],
    [
      'a root that allows no CA below it',
      (() => {
        const tight = ownCa({ name: 'tight', nowMs, pathLength: 0 });
        return pluggedInCa([ownCa({ name: 'mesh', nowMs, issuer: tight }), tight]);
      })(),
      /allows 0 CAs below it, and here are 1/,
    ],
    [
      'the root itself',
      { ...pluggedInCa([root]), 'cert-chain.pem': good['root-cert.pem'] },
      /ca-cert.pem is the root itself/,
    ],
    [
      'a signer of another trust domain',
      pluggedInCa([
        ownCa({ name: 'mesh', nowMs, issuer: root, uriSans: ['spiffe://example.org'] }),
        root,
      ]),
      /belongs to "spiffe:\/\/example.org", this mesh is trust domain "cluster.local"/,
    ],
    [
      'times that never overlap',
      pluggedInCa([
        ownCa({
          name: 'late',
          nowMs,
          issuer: policy,
          notBeforeMs: nowMs + 40 * DAY_MS,
          notAfterMs: nowMs + 80 * DAY_MS,
        }),
        policy,
        root,
      ]),
      /not yet valid|expired/,
    ],
    [
      'text that is no certificate',
      { ...good, 'root-cert.pem': 'hello' },
      /root-cert.pem: no PEM block/,
    ],
    [
      'nine roots',
      { ...good, 'root-cert.pem': good['root-cert.pem'].repeat(9) },
      /root-cert.pem: more than 8 PEM blocks/,
    ],
  ])('refuses %s', (_name, files, reason) => {
    expect(() => decode(files)).toThrow(MeshError);
    expect(() => decode(files)).toThrow(reason);
  });
});

describe('pluggedInFiles', () => {
  const tls = {
    'tls.crt': good['cert-chain.pem'],
    'tls.key': good['ca-key.pem'],
    'ca.crt': good['root-cert.pem'],
  };

  it("reads the layout of cert-manager's Secrets as the same CA", () => {
    const { signer: found, above } = decode(pluggedInFiles(tls, 'here'));
    expect(found.certificate.serial).toBe(signer.certificate.serial);
    expect(above).toHaveLength(1);
  });

  it.each(Object.keys(good))('refuses a set without %s', (name) => {
    const { [name as keyof PluggedInFiles]: _left, ...rest } = good;
    expect(() => pluggedInFiles(rest, 'Secret x')).toThrow(
      `Secret x is no complete plug-in CA: it lacks ${name};`,
    );
  });

  it.each(Object.keys(tls))('refuses the other layout without %s', (name) => {
    const { [name as keyof typeof tls]: _left, ...rest } = tls;
    expect(() => pluggedInFiles(rest, 'here')).toThrow(`it lacks ${name};`);
  });

  it('refuses nothing at all, an empty file, and both layouts at once', () => {
    expect(() => pluggedInFiles({}, 'here')).toThrow(
      /lacks ca-cert.pem, ca-key.pem, root-cert.pem/,
    );
    expect(() => pluggedInFiles({ ...good, 'root-cert.pem': '' }, 'here')).toThrow(
      /lacks root-cert/,
    );
    expect(() => pluggedInFiles({ ...good, ...tls }, 'here')).toThrow(/files of both layouts/);
  });
});
