import type { OperatorRoutes } from '../apiserver/operator-paths.ts';
import { MeshError } from '../lib/errors.ts';
import { certificateView, oneCertificate } from './certificate-view.ts';
import type { IssuanceLedger, IssuedRecord } from './issuance-ledger.ts';
import type { Revocations } from './revocations.ts';

export interface CertificateRouteOptions {
  readonly ledger: IssuanceLedger;
  readonly revocations: Pick<Revocations, 'get'>;
}

const DEFAULT_LISTED = 1_000;
const MOST_LISTED = 10_000;

/** What the CLI may ask about certificates that were issued. */
export function certificateRoutes(options: CertificateRouteOptions): OperatorRoutes {
  const { ledger, revocations } = options;
  const view = (record: IssuedRecord): object =>
    certificateView(record, revocations.get(record.serial));
  return {
    'GET /v1/certificates': async ({ query }) => {
      const limit = limitFrom(query.get('limit'));
      const items = ledger.list(query.get('id') ?? undefined, limit).map(view);
      return { items, total: ledger.size };
    },
    'GET /v1/certificate': async ({ query }) =>
      view(oneCertificate(ledger, query.get('serial') ?? '')),
  };
}

function limitFrom(text: string | null): number {
  const limit = text === null ? DEFAULT_LISTED : Number(text);
  if (Number.isInteger(limit) && limit > 0 && limit <= MOST_LISTED) return limit;
  throw new MeshError('ERR_USAGE', `"${text}" is no limit; it may be from 1 to ${MOST_LISTED}`);
}
