import { createHash } from 'node:crypto';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AttestedCaller, Attestor } from '../attestation/attestor.ts';
import { identifyCaller } from '../attestation/identify-caller.ts';
import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import type { IssuedSvid } from '../ca/issue-svid.ts';
import type {
  IstioCertificateRequest,
  IstioCertificateService,
} from '../gen/istio/v1/auth/ca_pb.js';
import type { Clock } from '../lib/clock.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { type Csr, parseCsr } from '../x509/csr.ts';
import { decodePem, encodePem } from '../x509/pem.ts';
import type { ControlEvents } from './control-events.ts';
import { grpcError } from './grpc-error.ts';
import type { IssuanceLedger } from './issuance-ledger.ts';
import { issuedRecord } from './issued-record.ts';
import { type PeerEvidence, peerEvidenceKey } from './peer-evidence.ts';
import type { Revocations } from './revocations.ts';
import type { ServiceAccounts } from './service-accounts.ts';

export interface SigningOptions {
  readonly authority: CertificateAuthority;
  readonly attestors: readonly Attestor[];
  readonly serviceAccounts: ServiceAccounts;
  /** What is handed out is in here before. */
  readonly ledger: Pick<IssuanceLedger, 'record' | 'shown'>;
  readonly revocations: Pick<Revocations, 'callers'>;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'certificateIssued' | 'certificateRefused'>;
}

const LARGEST_CSR_BYTES = 16 * 1024;

/**
 * Istio's CSR service: the identity is the authenticated caller's, the lifetime is in seconds, the
 * answer has the leaf first and the root last (istio.v1.auth, ca.proto).
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
        const issued = await issue(request, caller, peer);
        report(issued, caller, peer);
        return { certChain: [...issued.chain, issued.root].map(certificatePem) };
      } catch (error) {
        events.certificateRefused({
          code: MeshError.is(error) ? error.code : 'ERR_STORE',
          reason: messageOf(error),
          id: caller?.id.toString(),
          peerAddress: peer.address,
        });
        throw grpcError(error);
      }
    },
  };

  async function issue(
    request: IstioCertificateRequest,
    caller: AttestedCaller,
    { chain: [proof], address: peerAddress }: PeerEvidence,
  ): Promise<IssuedSvid> {
    const call = options.revocations.callers.begin(caller.id.toString(), proof?.serial ?? '');
    try {
      const issued = await sign(request, caller, options);
      // Nothing may come between this look and the record, or a revocation could miss both.
      if (call.signal.aborted) throw revokedMeanwhile(caller);
      const about = { issuedAtMs: options.clock.now(), attestor: caller.by, peerAddress };
      if (proof !== undefined) options.ledger.shown(proof.serial, options.clock.now());
      await options.ledger.record(issuedRecord(issued.chain, about), proof?.serial);
      return issued;
    } finally {
      call.done();
    }
  }

  function report({ chain: [leaf] }: IssuedSvid, caller: AttestedCaller, peer: PeerEvidence): void {
    events.certificateIssued({
      id: caller.id.toString(),
      serial: leaf.serial,
      notBeforeMs: leaf.notBeforeMs,
      notAfterMs: leaf.notAfterMs,
      by: caller.by,
      peerAddress: peer.address,
    });
  }
}

async function sign(
  request: IstioCertificateRequest,
  caller: AttestedCaller,
  { authority, serviceAccounts }: SigningOptions,
): Promise<IssuedSvid> {
  const csr = readCsr(request.csr);
  refuseOtherIdentities(csr, caller);
  const ceilingMs = await serviceAccounts.lifetimeCeilingMs(caller.id);
  const keyFingerprint = createHash('sha256')
    .update(csr.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  const svid = {
    id: caller.id,
    csr,
    lifetimeMs: Number(request.validityDuration) * 1_000,
    ceilingMs,
  };
  // Signed before the token is spent, so that a request that the authority refuses costs nobody
  // a token; handed out only after.
  const issued = authority.issue(svid);
  await caller.confirm(keyFingerprint);
  return issued;
}

function revokedMeanwhile({ id }: AttestedCaller): MeshError {
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
function refuseOtherIdentities(csr: Csr, caller: AttestedCaller): void {
  const other = csr.uriSans.find((uri) => uri !== caller.id.toString());
  if (other === undefined) return;
  throw new MeshError(
    'ERR_FORBIDDEN',
    `the certificate signing request names "${other.slice(0, 256)}", the caller is "${caller.id}"`,
  );
}

function bearerOf(context: HandlerContext): string | undefined {
  const header = context.requestHeader.get('authorization');
  return header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : undefined;
}

function certificatePem({ der }: { readonly der: Uint8Array }): string {
  return encodePem('CERTIFICATE', der);
}
