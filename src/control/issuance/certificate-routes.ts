import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import { MeshError } from '../../lib/errors.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { Revocations } from '../revocation/revocations.ts';
import { certificateView, oneCertificate } from './certificate-view.ts';
import type { IssuanceLedger, IssuedRecord, LedgerPlace } from './issuance-ledger.ts';

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
      const asked = query.get('id');
      const id = asked === null ? undefined : SpiffeId.parse(asked).toString();
      const limit = limitFrom(query.get('limit'));
      const page = ledger.list(id, limit, placeFrom(query.get('continue')));
      const last = page.length < limit ? undefined : page.at(-1);
      return { items: page.map(view), total: ledger.count(id), continue: last && placeText(last) };
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

function placeText({ issuedAtMs, serial }: LedgerPlace): string {
  return `${issuedAtMs}-${serial}`;
}

function placeFrom(text: string | null): LedgerPlace | undefined {
  if (text === null) return undefined;
  const [, issuedAtMs, serial] = /^(\d{1,15})-([0-9a-f]{1,64})$/.exec(text) ?? [];
  if (serial !== undefined) return { issuedAtMs: Number(issuedAtMs), serial };
  const shown = JSON.stringify(text.slice(0, 100));
  throw new MeshError(
    'ERR_USAGE',
    `${shown} is not where a list goes on; give the "continue" of the answer before`,
  );
}
