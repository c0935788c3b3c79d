import { MeshError } from '../../lib/errors.ts';
import { parseSerial } from '../../x509/parse-serial.ts';
import type { Revocation } from '../revocation/revocation-resource.ts';
import type { IssuanceLedger, IssuedRecord } from './issuance-ledger.ts';

const SHORTEST_PREFIX = 6;
const NAMED_CANDIDATES = 4;

/**
 * The certificate with that serial, or the only one whose serial begins so.
 *
 * @throws {MeshError} ERR_NOT_FOUND; ERR_USAGE for what is no serial, or when several begin so.
 */
export function oneCertificate(
  ledger: Pick<IssuanceLedger, 'withSerial'>,
  text: string,
): IssuedRecord {
  const serial = parseSerial(text);
  const [exact] = ledger.withSerial(serial, 1);
  if (exact?.serial === serial) return exact;
  const prefix = text.trim().toLowerCase().replaceAll(':', '');
  const found = prefix.length < SHORTEST_PREFIX ? [] : ledger.withSerial(prefix, NAMED_CANDIDATES);
  const [only, ...others] = found;
  if (only === undefined) {
    throw new MeshError(
      'ERR_NOT_FOUND',
      `no certificate with the serial "${serial}" is on record; one that has expired is not kept`,
    );
  }
  if (others.length === 0) return only;
  const names = found.map(({ serial: each }) => each).join(', ');
  throw new MeshError('ERR_USAGE', `several serials begin with "${prefix}": ${names}`);
}

/** A record as the admin interface shows it. */
export function certificateView(record: IssuedRecord, revoked: Revocation | undefined): object {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const { serial, id, issuerSerial, attestor, peerAddress } = record;
  return {
    ...{ serial, id, issuerSerial, attestor, peerAddress },
    notBefore: iso(record.notBeforeMs),
    notAfter: iso(record.notAfterMs),
    issuedAt: iso(record.issuedAtMs),
    revoked: revoked && { at: iso(revoked.revokedAtMs), reason: revoked.reason },
  };
}
