import { createHash } from 'node:crypto';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AttestedCaller, Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import type { IssuedSvid } from '../../ca/issue-svid.ts';
import type {
  IstioCertificateRequest,
  IstioCertificateService,
} from '../../gen/istio/v1/auth/ca_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import type { Store } from '../../store/store.ts';
import { type Csr, parseCsr } from '../../x509/csr.ts';
import { decodePem, encodePem } from '../../x509/pem.ts';
import { exportSpki } from '../../x509/spki.ts';
import type { ControlEvents } from '../control-events.ts';
import { grpcError } from '../grpc-error.ts';
import type { Revocations } from '../revocation/revocations.ts';
import { type Grant, grantOf } from './delegation.ts';
import type { IssuanceLedger } from './issuance-ledger.ts';
import { issuedRecord } from './issued-record.ts';
import { type PeerEvidence, peerEvidenceKey } from './peer-evidence.ts';
import type { ServiceAccounts } from './service-accounts.ts';

export interface SigningOptions {
  readonly authority: CertificateAuthority;
  readonly attestors: readonly Attestor[];
  readonly serviceAccounts: ServiceAccounts;
  /** Has the registrations by which agents may ask for the identities of others. */
  readonly store: Pick<Store, 'get'>;
  /** What is handed out is in here before. */
  readonly ledger: Pick<IssuanceLedger, 'record' | 'shown' | 'attestorOf'>;
  readonly revocations: Pick<Revocations, 'callers'>;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'certificateIssued' | 'certificateRefused'>;
}

const LARGEST_CSR_BYTES = 16 * 1024;

/**
 * Istio's CSR service: the identity is the authenticated caller's, or one that this very caller is
 * registered to serve, the lifetime is in seconds, the answer has the leaf first and the roots last
 * (istio.v1.auth, ca.proto).
 */
export function signingService(
  options: SigningOptions,
): ServiceImpl<typeof IstioCertificateService> {
  const { events } = options;
  return {
    async createCertificate(request, context) {
      const peer = context.values.get(peerEvidenceKey);
      let caller: AttestedCaller | undefined;
      try {
        caller = await identifyCaller(options.attestors, {
          chain: peer.chain,
          bearer: bearerOf(context),
        });
        const grant = await grantOf(options.store, caller, request.metadata ?? {});
        const issued = await issue(request, { caller, grant }, peer);
        report(issued, grant, peer);
        // All roots in one last element, as Istio's agents read it.
        const roots = options.authority.bundle.current.toPem();
        return { certChain: [...issued.chain.map(certificatePem), roots] };
      } catch (error) {
        events.certificateRefused({
          code: MeshError.is(error) ? error.code : 'ERR_STORE',
          reason: reasonOf(error),
          id: caller?.id.toString(),
          peerAddress: peer.address,
        });
        throw grpcError(error);
      }
    },
  };

  async function issue(
    request: IstioCertificateRequest,
    parties: Parties,
    { chain: [proof], address: peerAddress }: PeerEvidence,
  ): Promise<IssuedSvid> {
    const { caller, grant } = parties;
    const { callers } = options.revocations;
    const serial = proof?.serial ?? '';
    const watched = [caller.id, grant.id].map((id) => callers.begin(id.toString(), serial));
    try {
      const issued = await sign(request, parties, options);
      // Nothing may come between this look and the record, or a revocation could miss both.
      if (watched.some(({ signal }) => signal.aborted)) throw revokedMeanwhile(grant);
      const about = { issuedAtMs: options.clock.now(), attestor: grant.by, peerAddress };
      if (proof !== undefined) options.ledger.shown(proof.serial, options.clock.now());
      const replaces = replacedBy(parties, serial, options.ledger);
      if (replaces !== serial && replaces !== '')
        options.ledger.shown(replaces, options.clock.now());
      await options.ledger.record(issuedRecord(issued.chain, about), replaces);
      await caller.issued?.(issued.chain[0]);
      return issued;
    } finally {
      for (const call of watched) call.done();
    }
  }

  function report({ chain: [leaf] }: IssuedSvid, { id, by }: Grant, peer: PeerEvidence): void {
    events.certificateIssued({
      id: id.toString(),
      serial: leaf.serial,
      notBeforeMs: leaf.notBeforeMs,
      notAfterMs: leaf.notAfterMs,
      by,
      peerAddress: peer.address,
    });
  }
}

/**
 * The certificate that is of no use once the new one has arrived: the one that was shown; for another
 * workload what this very agent was given for one before.
 */
function replacedBy(
  { caller, grant }: Parties,
  shown: string,
  ledger: Pick<IssuanceLedger, 'attestorOf'>,
): string {
  if (grant.id.equals(caller.id)) return shown;
  const { replaces = '' } = grant;
  return replaces !== '' && ledger.attestorOf(replaces) === grant.by ? replaces : '';
}

/** Who asks, and for whom. */
interface Parties {
  readonly caller: AttestedCaller;
  readonly grant: Grant;
}

async function sign(
  request: IstioCertificateRequest,
  { caller, grant }: Parties,
  { authority, serviceAccounts }: SigningOptions,
): Promise<IssuedSvid> {
  const csr = readCsr(request.csr);
  refuseOtherIdentities(csr, grant);
  const ceilingMs = lower(await serviceAccounts.lifetimeCeilingMs(grant.id), grant.ceilingMs);
  const keyFingerprint = createHash('sha256').update(exportSpki(csr.publicKey)).digest('hex');
  const svid = {
    id: grant.id,
    csr,
    lifetimeMs: Number(request.validityDuration) * 1_000,
    ceilingMs,
    ...(grant.dnsSans === undefined ? {} : { dnsSans: grant.dnsSans }),
  };
  // Signed before the token is spent, so that a request that the authority refuses costs nobody
  // a token; handed out only after.
  const issued = authority.issue(svid);
  await caller.confirm(keyFingerprint);
  return issued;
}

function lower(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** For the audit log, which is told what the caller may not know. */
function reasonOf(error: unknown): string {
  const text = messageOf(error);
  const cause = MeshError.is(error) && MeshError.is(error.cause) ? error.cause.message : text;
  return cause === text ? text : `${text}: ${cause}`;
}

function revokedMeanwhile({ id }: Grant): MeshError {
  const text = `"${id}" was revoked while its certificate was being signed`;
  return new MeshError('ERR_UNAUTHENTICATED', text);
}

function readCsr(pem: string): Csr {
  if (pem.length > LARGEST_CSR_BYTES) {
    throw new MeshError(
      'ERR_CSR',
      `the certificate signing request has ${pem.length} bytes, at most ${LARGEST_CSR_BYTES} are read`,
    );
  }
  const label = pem.includes('BEGIN NEW CERTIFICATE REQUEST')
    ? 'NEW CERTIFICATE REQUEST'
    : 'CERTIFICATE REQUEST';
  const [der = new Uint8Array()] = decodePem(pem, label, { maxBlocks: 1 });
  return parseCsr(der);
}

/** Names in a CSR are never granted; one that asks for somebody else's is a mistake or an attack. */
function refuseOtherIdentities(csr: Csr, { id }: Grant): void {
  const other = csr.uriSans.find((uri) => uri !== id.toString());
  if (other === undefined) return;
  throw new MeshError(
    'ERR_FORBIDDEN',
    `the certificate signing request names "${other.slice(0, 256)}", the certificate would be for "${id}"`,
  );
}

function bearerOf(context: HandlerContext): string | undefined {
  const header = context.requestHeader.get('authorization');
  return header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : undefined;
}

function certificatePem({ der }: { readonly der: Uint8Array }): string {
  return encodePem('CERTIFICATE', der);
}
