import { openCertificateAuthority } from '../src/ca/certificate-authority.ts';
import { istioIssuanceRules } from '../src/ca/issuance-rules.ts';
import { systemClock } from '../src/lib/clock.ts';
import { SpiffeId } from '../src/spiffe/spiffe-id.ts';
import { TrustDomain } from '../src/spiffe/trust-domain.ts';
import { createCsr, parseCsr } from '../src/x509/csr.ts';
import { generateKeyPair } from '../src/x509/key-pair.ts';
import { decodePem, encodePem } from '../src/x509/pem.ts';
import { memoryAuthorityStore } from '../test/kit/memory-authority-store.ts';

const REQUESTS = 2_000;

/** PEM requests of as many different keys. */
export function csrPems(count: number = REQUESTS): string[] {
  return Array.from({ length: count }, () =>
    encodePem('CERTIFICATE REQUEST', createCsr(generateKeyPair())),
  );
}

/** Certificates a second: all that the signing service does but who asks. */
export async function issuanceInOneThread(seconds: number): Promise<number> {
  const trustDomain = TrustDomain.parse('cluster.local');
  const authority = await openCertificateAuthority({
    trustDomain,
    store: memoryAuthorityStore(),
    rules: istioIssuanceRules,
    clock: systemClock,
  });
  const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');
  const requests = csrPems();
  let bytes = 0;
  const issue = (index: number): void => {
    const [der = new Uint8Array()] = decodePem(
      requests[index % REQUESTS] ?? '',
      'CERTIFICATE REQUEST',
    );
    const { chain } = authority.issue({ id, csr: parseCsr(der), lifetimeMs: 0 });
    for (const certificate of chain) bytes += encodePem('CERTIFICATE', certificate.der).length;
  };
  for (let warm = 0; warm < REQUESTS; warm++) issue(warm);
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  let issued = 0;
  while (performance.now() < endMs) issue(issued++);
  if (bytes === 0) throw new Error('nothing was issued');
  return issued / ((performance.now() - startMs) / 1_000);
}
