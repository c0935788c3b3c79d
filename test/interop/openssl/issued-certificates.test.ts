import { describe, expect, it } from 'vitest';
import { caKeyAlgorithms } from '../../../src/app/control-plane/ca-key-algorithms.ts';
import {
  type CertificateAuthority,
  openCertificateAuthority,
} from '../../../src/ca/certificate-authority.ts';
import { istioIssuanceRules } from '../../../src/ca/issuance-rules.ts';
import type { IssuedSvid } from '../../../src/ca/issue-svid.ts';
import { pluggedInAuthority } from '../../../src/ca/plugged-in-authority.ts';
import { steady } from '../../../src/ca/rotating-authority.ts';
import { decodeSigningChain } from '../../../src/ca/signing-chain.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { SpiffeId } from '../../../src/spiffe/spiffe-id.ts';
import { TrustDomain } from '../../../src/spiffe/trust-domain.ts';
import { parseCsr } from '../../../src/x509/csr.ts';
import { encodePem } from '../../../src/x509/pem.ts';
import { memoryAuthorityStore } from '../../kit/memory-authority-store.ts';
import { peer } from '../../kit/peer.ts';
import { OpensslDirectory } from './openssl-directory.ts';

const trustDomain = TrustDomain.parse('cluster.local');
const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');
const common = { trustDomain, clock: systemClock, rules: istioIssuanceRules };

/** A workload whose key and request openssl has made; the CSR's own wishes are of no interest. */
function issueFor(directory: OpensslDirectory, authority: CertificateAuthority): IssuedSvid {
  directory.run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'leaf.key');
  const subject = ['-subj', '/CN=somebody', '-outform', 'DER', '-out', 'leaf.csr'];
  directory.run('req', '-new', '-key', 'leaf.key', ...subject);
  const csr = parseCsr(directory.readBytes('leaf.csr'));
  return authority.issue({ id, csr, lifetimeMs: 0, dnsSans: ['reviews.shop.svc'] });
}

/** Every certificate that was issued, as strictly as openssl can, for servers and clients. */
function expectVerified(
  directory: OpensslDirectory,
  { chain, root }: IssuedSvid,
  more: readonly string[] = [],
): void {
  const [leaf, ...above] = chain.map(({ der }) => encodePem('CERTIFICATE', der));
  directory.write('leaf.pem', leaf ?? '');
  directory.write('above.pem', above.join(''));
  directory.write('root.pem', encodePem('CERTIFICATE', root.der));
  const trust = ['-x509_strict', '-check_ss_sig', '-CAfile', 'root.pem', ...more];
  for (const purpose of ['sslserver', 'sslclient']) {
    const args = [...trust, '-purpose', purpose, '-untrusted', 'above.pem', 'leaf.pem'];
    expect(directory.run('verify', ...args)).toBe('leaf.pem: OK\n');
  }
  expect(directory.run('verify', ...trust, '-untrusted', 'above.pem', 'above.pem')).toContain('OK');
  expect(directory.run('verify', ...trust, 'root.pem')).toContain('root.pem: OK');
}

peer('openssl', (openssl) => {
  describe.each(caKeyAlgorithms)('an authority of %s', (algorithm) => {
    it('issues what openssl verifies, before and after its intermediate is renewed', async () => {
      const directory = new OpensslDirectory(openssl);
      const store = memoryAuthorityStore();
      const authority = await openCertificateAuthority({ ...common, store, algorithm });
      expectVerified(directory, issueFor(directory, authority));
      const intermediate = authority.intermediate.serial;
      const clock = { ...systemClock, now: () => Date.now() + 200 * 86_400_000 };
      const later = await openCertificateAuthority({ ...common, store, clock });
      const order = { compromised: false, renewWithinMs: 0, waived: [] };
      await later.rotation.prepare({ ...order, role: 'intermediate' });
      await later.rotation.activate();
      expect(later.intermediate.serial).not.toBe(intermediate);
      const attime = ['-attime', String(Math.floor(clock.now() / 1_000))];
      expectVerified(directory, issueFor(directory, later), attime);
    });
  });

  it.each(['EC -pkeyopt ec_paramgen_curve:P-384', 'RSA -pkeyopt rsa_keygen_bits:3072', 'ED25519'])(
    'signs with an intermediate that openssl made (%s)',
    (key) => {
      const directory = new OpensslDirectory(openssl);
      const ca = (name: string, ...args: readonly string[]): string =>
        directory.run(
          'req',
          '-x509',
          '-newkey',
          ...key.split(' '),
          '-nodes',
          '-days',
          '30',
          '-subj',
          `/O=Example/CN=${name}`,
          '-addext',
          'keyUsage=critical,keyCertSign,cRLSign',
          '-keyout',
          `${name}.key`,
          '-out',
          `${name}.pem`,
          ...args,
        );
      ca('root');
      ca(
        'mesh',
        '-CA',
        'root.pem',
        '-CAkey',
        'root.key',
        '-addext',
        'basicConstraints=critical,CA:TRUE,pathlen:0',
      );
      const files = {
        'ca-cert.pem': directory.read('mesh.pem'),
        'ca-key.pem': directory.read('mesh.key'),
        'root-cert.pem': directory.read('root.pem'),
        'cert-chain.pem': `${directory.read('mesh.pem')}${directory.read('root.pem')}`,
      };
      const chain = decodeSigningChain(files, { trustDomain, nowMs: Date.now() });
      expectVerified(
        directory,
        issueFor(
          directory,
          pluggedInAuthority(steady({ files, chain, crls: [] }), {
            ...common,
            save: async () => undefined,
          }),
        ),
      );
    },
  );
});
