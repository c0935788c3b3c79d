import { MeshError } from '../lib/errors.ts';
import type { JsonRoute } from '../lib/json-socket-server.ts';
import { parseSerial } from '../x509/parse-serial.ts';
import type { IssuanceLedger, IssuedRecord } from './issuance-ledger.ts';

export interface CertificateRouteOptions {
  readonly ledger: IssuanceLedger;
}

const DEFAULT_LISTED = 1_000;
const MOST_LISTED = 10_000;
const SHORTEST_PREFIX = 6;
const NAMED_CANDIDATES = 4;

/** What the CLI may ask about certificates that were issued. */
export function certificateRoutes(
  options: CertificateRouteOptions,
): Readonly<Record<string, JsonRoute>> {
  const { ledger } = options;
  return {
    'GET /v1/certificates': async ({ query }) => {
      const limit = limitFrom(query.get('limit'));
      const items = ledger.list(query.get('id') ?? undefined, limit).map(certificateView);
      return { items, total: ledger.size };
    },
    'GET /v1/certificate': async ({ query }) =>
      certificateView(oneCertificate(ledger, query.get('serial') ?? '')),
  };
}

/**
 * The certificate with that serial, or the only one whose serial begins so.
 *
 * @throws {MeshError} ERR_NOT_FOUND, ERR_USAGE when several begin so.
 */
function oneCertificate(ledger: IssuanceLedger, text: string): IssuedRecord {
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
function certificateView(record: IssuedRecord): object {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const { serial, id, issuerSerial, attestor, peerAddress } = record;
  return {
    ...{ serial, id, issuerSerial, attestor, peerAddress },
    notBefore: iso(record.notBeforeMs),
    notAfter: iso(record.notAfterMs),
    issuedAt: iso(record.issuedAtMs),
  };
}

function limitFrom(text: string | null): number {
  const limit = text === null ? DEFAULT_LISTED : Number(text);
  if (Number.isInteger(limit) && limit > 0 && limit <= MOST_LISTED) return limit;
  throw new MeshError('ERR_USAGE', `"${text}" is no limit; it may be from 1 to ${MOST_LISTED}`);
}
