import { svidAttestor } from '../../attestation/svid-attestor.ts';
import { tokenLedger } from '../../attestation/token-ledger.ts';
import { isDelegated } from '../../control/issuance/delegation.ts';
import { sweepCredentials } from '../../control/tokens/sweep-credentials.ts';
import { tokenSecrets } from '../../control/tokens/token-secrets.ts';
import { fingerprint } from '../../x509/certificate.ts';
import type { ControlPlaneParts } from './control-plane-parts.ts';
import { openReturnTickets } from './return-tickets.ts';

const REENROL_GRACE_MS = 72 * 3_600_000;

/** Who may be asking: holders of tokens of all kinds, and of SVIDs that are not revoked. */
export function attestation(parts: ControlPlaneParts) {
  const { config, store, ledger, revocations, authority, tokenAuthority, events, clock } = parts;
  const { rootNamespace, reenrolGraceMs: graceMs = REENROL_GRACE_MS } = config;
  const { trustDomain } = authority;
  const records = tokenSecrets(store, rootNamespace);
  const roots = (): readonly string[] => authority.bundle.current.x509Authorities.map(fingerprint);
  const tokens = tokenLedger({ records, trustDomain, roots, clock });
  const returns = openReturnTickets({ ...parts, trustDomain, rootNamespace, graceMs });
  const { tickets } = returns;
  const shared = {
    bundles: () => authority.bundle.current,
    clock,
    refuseRevoked: (serial: string) => revocations.refuse(serial),
    isDelegated: (serial: string) => isDelegated(ledger, serial),
  };
  const svids = svidAttestor(shared);
  const returning = svidAttestor({
    ...shared,
    mayReturn: (id, serial) => tickets.covers(id, serial),
  });
  const all = [tokens, tickets, tokenAuthority.attestor, returning];
  const sweep = sweepCredentials({ tokens: records, tickets: returns, clock, events });
  return { records, tickets, sweep, attestors: { all, tokens, svids } };
}
