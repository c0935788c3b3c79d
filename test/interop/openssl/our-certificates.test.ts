import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../../src/x509/certificate.ts';
import { createCsr } from '../../../src/x509/csr.ts';
import { generateKeyPair } from '../../../src/x509/key-pair.ts';
import { encodePem } from '../../../src/x509/pem.ts';
import { peer } from '../../kit/peer.ts';
import { testAuthority } from '../../kit/test-authority.ts';
import { OpensslDirectory } from './openssl-directory.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/reviews';
const algorithms = ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const;

peer('openssl', (openssl) => {
  describe.each(algorithms)('what we build with %s', (algorithm) => {
    it('is a chain that openssl verifies strictly, for servers and clients', () => {
      const directory = new OpensslDirectory(openssl);
      const authority = testAuthority({ algorithm });
      const { cert, ca } = authority.pems(authority.issue(ID));
      directory.write('cert.pem', cert);
      directory.write('ca.pem', ca);
      for (const purpose of ['sslserver', 'sslclient']) {
        const args = ['-x509_strict', '-purpose', purpose, '-CAfile', 'ca.pem'];
        expect(directory.run('verify', ...args, '-untrusted', 'cert.pem', 'cert.pem')).toContain(
          'cert.pem: OK',
        );
      }
    });

    it('is a key that openssl reads and finds in the certificate', () => {
      const directory = new OpensslDirectory(openssl);
      const authority = testAuthority({ algorithm });
      const { key, cert } = authority.pems(authority.issue(ID));
      directory.write('key.pem', key);
      directory.write('cert.pem', cert);
      directory.run('pkey', '-in', 'key.pem', '-check', '-noout');
      expect(directory.run('pkey', '-in', 'key.pem', '-pubout')).toBe(
        directory.run('x509', '-in', 'cert.pem', '-noout', '-pubkey'),
      );
    });

    it('is a request that openssl verifies', () => {
      const directory = new OpensslDirectory(openssl);
      const csr = createCsr(generateKeyPair(algorithm), { uriSans: [ID], commonName: 'reviews' });
      directory.write('csr.pem', encodePem('CERTIFICATE REQUEST', csr));
      const text = directory.run('req', '-in', 'csr.pem', '-verify', '-noout', '-text');
      expect(text).toMatch(/verify OK/);
      expect(text).toMatch(/Subject: CN ?= ?reviews/);
      expect(text).toContain(`URI:${ID}`);
    });
  });

  it('prints a leaf as it was meant', () => {
    const directory = new OpensslDirectory(openssl);
    const nowMs = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
    const authority = testAuthority({ nowMs });
    const [leaf] = authority.issue(ID, {
      serial: Uint8Array.of(0xfe, 0xdc),
      dnsSans: ['reviews.shop.svc'],
      ipSans: ['10.1.2.3', '2001:db8::1'],
    }).chain;
    directory.write('leaf.der', leaf?.der ?? '');
    const text = directory.run('x509', '-inform', 'DER', '-in', 'leaf.der', '-noout', '-text');
    for (const line of [
      /Version: 3 \(0x2\)/,
      /Serial Number: 65244 \(0xfedc\)/,
      /Signature Algorithm: ecdsa-with-SHA256/,
      /Not Before: Feb {2}3 04:03:06 2026 GMT/,
      /Not After : Feb {2}4 04:05:06 2026 GMT/,
      /Subject: *\n/,
      /Basic Constraints: critical\s+CA:FALSE\n/,
      /Key Usage: critical\s+Digital Signature, Key Encipherment\n/,
      /Extended Key Usage: *\n\s+TLS Web Server Authentication, TLS Web Client Authentication\n/,
      /Subject Key Identifier: *\n/,
      /Authority Key Identifier: *\n/,
      /Alternative Name: critical\s+URI:spiffe:\/\/cluster\.local\/ns\/shop\/sa\/reviews, DNS:reviews\.shop\.svc, IP Address:10\.1\.2\.3, IP Address:2001:DB8:0:0:0:0:0:1\n/,
    ]) {
      expect(text).toMatch(line);
    }
  });

  it('prints a CA as it was meant', () => {
    const directory = new OpensslDirectory(openssl);
    const { root, intermediate } = testAuthority({ nowMs: Date.UTC(2045, 0, 1) });
    directory.write('root.pem', encodePem('CERTIFICATE', root.der));
    directory.write('ca.pem', encodePem('CERTIFICATE', intermediate.der));
    const text = directory.run('x509', '-in', 'root.pem', '-noout', '-text');
    expect(text).toMatch(/Not After : Dec 30 00:00:00 2054 GMT/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE\n/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
    expect(text).toMatch(/Alternative Name: *\n\s+URI:spiffe:\/\/cluster\.local\n/);
    const nameOptions = ['-nameopt', 'RFC2253'];
    for (const [file, certificate] of [
      ['root.pem', root],
      ['ca.pem', intermediate],
    ] as const) {
      const names = directory.run(
        'x509',
        '-in',
        file,
        '-noout',
        '-subject',
        '-issuer',
        ...nameOptions,
      );
      expect(names).toBe(`subject=${certificate.subject}\nissuer=${certificate.issuer}\n`);
    }
  });

  it('agrees about names with characters that need care', () => {
    const directory = new OpensslDirectory(openssl);
    const values = ['a,b+c', ' "x" ', '#1;<2>\\', 'Zoë 蔡', 'x'.repeat(64)];
    for (const value of values) {
      const [leaf] = testAuthority().issue(ID, {
        subject: [
          { type: 'O', value: 'mesh' },
          { type: 'CN', value },
        ],
      }).chain;
      directory.write('leaf.der', leaf?.der ?? '');
      const options = ['-nameopt', 'RFC2253,utf8,-esc_msb'];
      const args = ['-inform', 'DER', '-in', 'leaf.der', '-noout', '-subject', ...options];
      expect(directory.run('x509', ...args)).toBe(`subject=${leaf?.subject}\n`);
    }
  });

  it('computes the fingerprint that openssl computes', () => {
    const directory = new OpensslDirectory(openssl);
    const { root } = testAuthority();
    directory.write('root.pem', encodePem('CERTIFICATE', root.der));
    const text = directory.run('x509', '-in', 'root.pem', '-noout', '-fingerprint', '-sha256');
    expect(text.trim().split('=')[1]?.replaceAll(':', '').toLowerCase()).toBe(fingerprint(root));
  });
});
