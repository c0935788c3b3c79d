import { expect, it } from 'vitest';
import { buildCrl } from '../../../src/x509/build-crl.ts';
import { isCrlSignedBy, parseCrl } from '../../../src/x509/crl.ts';
import { decodePem, encodePem } from '../../../src/x509/pem.ts';
import { peer } from '../../kit/peer.ts';
import { testAuthority } from '../../kit/test-authority.ts';
import { OpensslDirectory } from './openssl-directory.ts';

const algorithms = ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const;
const ID = 'spiffe://cluster.local/ns/shop/sa/reviews';

peer('openssl', (openssl) => {
  it.each(algorithms)('openssl verifies a list by %s and refuses what is in it', (algorithm) => {
    const directory = new OpensslDirectory(openssl);
    const authority = testAuthority({ algorithm });
    const { intermediate: certificate, intermediateSigner } = authority;
    const [good, bad] = [authority.issue(ID), authority.issue(ID)];
    const nowMs = Date.now();
    const crl = buildCrl(
      {
        ...{ thisUpdateMs: nowMs - 1_000, nextUpdateMs: nowMs + 3_600_000, number: 41 },
        entries: [
          { serial: '0102', revokedAtMs: Date.UTC(2026, 1, 3, 4, 5, 6), reason: 'superseded' },
          { serial: bad.chain[0]?.serial ?? '', revokedAtMs: nowMs, reason: 'keyCompromise' },
        ],
      },
      { certificate, privateKey: intermediateSigner.privateKey },
    );
    directory.write('ca.pem', encodePem('CERTIFICATE', certificate.der));
    directory.write('list.pem', encodePem('X509 CRL', crl.der));
    directory.write('list.der', crl.der);
    const text = directory.run('crl', '-inform', 'DER', '-in', 'list.der', '-noout', '-text');
    for (const line of [
      /Version 2 \(0x1\)/,
      /X509v3 Authority Key Identifier: *\n/,
      /X509v3 CRL Number: *\n\s+41\n/,
      /Serial Number: 0102\n\s+Revocation Date: Feb {2}3 04:05:06 2026 GMT\n\s+CRL entry extensions:\n\s+X509v3 CRL Reason Code: *\n\s+Superseded/,
      /Key Compromise/,
    ]) {
      expect(text).toMatch(line);
    }
    const checked = directory.run('crl', '-in', 'list.pem', '-CAfile', 'ca.pem', '-noout');
    expect(checked).toMatch(/verify OK/);

    const { ca } = authority.pems(good);
    directory.write('root.pem', ca);
    const verify = (name: string, svid: typeof good) => {
      directory.write(name, authority.pems(svid).cert);
      const chain = ['-CAfile', 'root.pem', '-untrusted', 'ca.pem', '-CRLfile', 'list.pem'];
      return directory.try('verify', '-crl_check', ...chain, name);
    };
    expect(verify('good.pem', good)).toMatchObject({ ok: true });
    expect(verify('bad.pem', bad)).toMatchObject({
      ok: false,
      text: expect.stringContaining('certificate revoked'),
    });
  });

  it('reads a list that openssl made', () => {
    const directory = new OpensslDirectory(openssl);
    directory.write('index.txt', '');
    directory.write('crlnumber', '1A\n');
    directory.write(
      'ca.cnf',
      `[ca]\ndefault_ca = it\n[it]\ndatabase = index.txt\ncrlnumber = crlnumber\ndefault_md = sha256\ndefault_crl_days = 2\ncrl_extensions = ext\n[ext]\nauthorityKeyIdentifier = keyid:always\n`,
    );
    const { intermediate, intermediateSigner, issue, pems } = testAuthority();
    const svid = issue(ID);
    directory.write('ca.pem', encodePem('CERTIFICATE', intermediate.der));
    const key = intermediateSigner.privateKey.export({ type: 'pkcs8', format: 'pem' });
    directory.write('ca.key', key);
    directory.write('leaf.pem', pems(svid).cert);
    const ca = ['ca', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key'];
    directory.run(...ca, '-revoke', 'leaf.pem', '-crl_reason', 'cessationOfOperation');
    directory.run(...ca, '-gencrl', '-out', 'list.pem');
    const [der = new Uint8Array()] = decodePem(directory.read('list.pem'), 'X509 CRL');
    const crl = parseCrl(der);
    expect(crl).toMatchObject({
      ...{ issuer: intermediate.subject, number: 0x1a, unknownCritical: [] },
      authorityKeyId: intermediate.subjectKeyId,
      entries: [{ serial: svid.chain[0]?.serial, reason: 'cessationOfOperation' }],
    });
    expect(isCrlSignedBy(crl, intermediate.publicKey)).toBe(true);
  });
});
