import type { CallingPeer } from '../enforcement.ts';
import type { Fields } from './fields.ts';

/** Says which identities a request came through: the last is the one that this proxy saw proved. */
export const FORWARDED_CERT = 'x-forwarded-client-cert';

/**
 * Tells the workload who called, as Istio's sidecars do (APPEND_FORWARD): a caller that proved itself
 * may pass on what it was told, and is added; from others the header is taken away.
 */
export function setForwardedCert(
  fields: Fields,
  peer: CallingPeer | undefined,
  ownId: string,
): void {
  const told = peer === undefined ? undefined : fields.get(FORWARDED_CERT);
  fields.deleteWhere((name) => name.replaceAll('_', '-') === FORWARDED_CERT);
  if (peer === undefined) return;
  const seen = `By=${ownId};Hash=${peer.certificateHash};Subject="";URI=${peer.id}`;
  fields.append('X-Forwarded-Client-Cert', told === undefined ? seen : `${told},${seen}`);
}
