import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import type { ReturnTickets } from '../../attestation/return-tickets.ts';
import type { TokenRecords } from '../../attestation/token-ledger.ts';
import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import { MeshError } from '../../lib/errors.ts';
import {
  REVOCATION_REASONS,
  type RevocationReason,
} from '../../resources/kinds/certificate-revocation.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { Store } from '../../store/store.ts';
import { encodePem } from '../../x509/pem.ts';
import type { ControlEvents } from '../control-events.ts';
import { certificateView, oneCertificate } from '../issuance/certificate-view.ts';
import type { IssuanceLedger, IssuedRecord } from '../issuance/issuance-ledger.ts';
import { removeRegistrations } from '../workloads/remove-registrations.ts';
import type { Revocations } from './revocations.ts';

export interface RevocationRouteOptions {
  readonly ledger: IssuanceLedger;
  readonly revocations: Revocations;
  readonly tokens: Pick<TokenRecords, 'discardUnused'>;
  readonly tickets: Pick<ReturnTickets, 'discard'>;
  readonly authority: Pick<CertificateAuthority, 'intermediate' | 'issueCrl'>;
  readonly store: Store;
  readonly events: Pick<ControlEvents, 'resourcesChanged'>;
}

const MOST_AT_ONCE = 10_000;

/** How the CLI revokes, and the list of it for programs that know nothing of the mesh. */
export function revocationRoutes(options: RevocationRouteOptions): OperatorRoutes {
  return {
    'POST /v1/certificates/revoke': async ({ body, actor }) =>
      revoke(readOrder(body), { ...options, actor }),
    'GET /v1/crl': async () => currentCrl(options),
  };
}

/** What is to be revoked: one certificate, or all that an identity has. */
interface Order {
  readonly target: { readonly serial: string } | { readonly identity: SpiffeId };
  readonly reason: RevocationReason;
}

/** @throws {MeshError} ERR_USAGE, ERR_SPIFFE_ID. */
function readOrder(body: unknown): Order {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const { serial, identity, reason: word = 'unspecified' } = fields as Record<string, unknown>;
  const reason = REVOCATION_REASONS.find((each) => each === word);
  if (reason === undefined) {
    const words = REVOCATION_REASONS.join(', ');
    throw new MeshError('ERR_USAGE', `${JSON.stringify(word)} is no reason; give one of ${words}`);
  }
  if (typeof serial === 'string' && identity === undefined) return { target: { serial }, reason };
  if (typeof identity === 'string' && serial === undefined) {
    return { target: { identity: SpiffeId.parse(identity) }, reason };
  }
  throw new MeshError('ERR_USAGE', 'name either one serial or one --identity');
}

async function revoke(
  { target, reason }: Order,
  options: RevocationRouteOptions & { readonly actor: string },
): Promise<object> {
  const { ledger, revocations, actor } = options;
  const identity = 'identity' in target ? target.identity.toString() : undefined;
  // Tokens and registrations go first: one that is used meanwhile leaves a certificate that is then found.
  const discardedTokens = 'identity' in target ? await discardTokens(target.identity, options) : 0;
  const discardedTickets = await discardTickets(target, options);
  const removedRegistrations =
    'identity' in target ? await removeRegistrations(options, target.identity, actor) : [];
  const certificates =
    'identity' in target
      ? ofIdentity(ledger, target.identity)
      : [oneCertificate(ledger, target.serial)];
  const others = discardedTokens + discardedTickets + removedRegistrations.length;
  if (certificates.length + others === 0) {
    throw nothingOf(identity ?? '');
  }
  const fresh = await revocations.revoke({ certificates, identity, reason, actor });
  // Once more: one may have been made, with a certificate that was good until now.
  const lateTickets = await discardTickets(target, options);
  const items = certificates.map((each) => certificateView(each, revocations.get(each.serial)));
  return {
    items,
    revoked: fresh.length,
    discardedTokens,
    discardedTickets: discardedTickets + lateTickets,
    removedRegistrations,
  };
}

/** A misspelt identity must not look like one that was cut off. */
function nothingOf(identity: string): MeshError {
  return new MeshError(
    'ERR_NOT_FOUND',
    `"${identity}" has no certificate on record, no unused token, no return ticket and no WorkloadRegistration; see \`hauberk certs list\` for how it is written`,
  );
}

/**
 * All of the identity, also when one certificate is meant: which of them its thief has is not known,
 * and the others are made anew with the next renewal.
 */
async function discardTickets(
  target: Order['target'],
  { tickets, ledger }: RevocationRouteOptions,
): Promise<number> {
  const id =
    'identity' in target
      ? target.identity
      : SpiffeId.parse(oneCertificate(ledger, target.serial).id);
  const { workload } = id;
  return workload === undefined ? 0 : tickets.discard(workload.namespace, workload.serviceAccount);
}

async function discardTokens(
  { workload }: SpiffeId,
  { tokens }: RevocationRouteOptions,
): Promise<number> {
  if (workload === undefined) return 0;
  return tokens.discardUnused(workload.namespace, workload.serviceAccount);
}

function ofIdentity(ledger: IssuanceLedger, identity: SpiffeId): readonly IssuedRecord[] {
  const found = ledger.list(identity.toString(), MOST_AT_ONCE + 1);
  if (found.length <= MOST_AT_ONCE) return found;
  throw new MeshError(
    'ERR_LIMIT',
    `"${identity}" has more than ${MOST_AT_ONCE} certificates, too many to revoke at once; delete its ServiceAccount, so that it gets no more`,
  );
}

/** Of what the present intermediate signed: nothing can sign a list of those before it any more. */
function currentCrl({ revocations, authority }: RevocationRouteOptions): object {
  const issuer = authority.intermediate.serial;
  const crl = authority.issueCrl(
    revocations.list().filter(({ issuerSerial }) => issuerSerial === issuer),
  );
  const iso = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  return {
    ...{ pem: encodePem('X509 CRL', crl.der), issuer: crl.issuer, number: crl.number },
    ...{ thisUpdate: iso(crl.thisUpdateMs), nextUpdate: iso(crl.nextUpdateMs) },
    revoked: crl.entries.map(({ serial, reason, revokedAtMs }) => ({
      ...{ serial, reason, revokedAt: iso(revokedAtMs) },
    })),
  };
}
