import type { Certificate } from '../../x509/certificate.ts';
import type { IssuedRecord } from './issuance-ledger.ts';

/** What the ledger keeps of a leaf and of how it came to be issued. */
export function issuedRecord(
  chain: readonly [leaf: Certificate, issuer: Certificate, ...above: Certificate[]],
  about: Pick<IssuedRecord, 'issuedAtMs' | 'attestor' | 'peerAddress'>,
): IssuedRecord {
  const [leaf, issuer] = chain;
  const { serial, notBeforeMs, notAfterMs, uriSans } = leaf;
  const id = uriSans[0] ?? '';
  return { serial, id, issuerSerial: issuer.serial, notBeforeMs, notAfterMs, ...about };
}
