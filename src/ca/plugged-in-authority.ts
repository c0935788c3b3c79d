import { WatchableValue } from '../lib/watchable.ts';
import { TrustBundle } from '../spiffe/trust-bundle.ts';
import {
  type AuthorityOptions,
  type CertificateAuthority,
  issueSvid,
} from './certificate-authority.ts';
import { rulesWithin } from './issuance-rules.ts';
import { issueCrl } from './issue-crl.ts';
import { issueCrls } from './issue-crls.ts';
import { chainEndsAtMs, type SigningChain } from './signing-chain.ts';

/** An authority that signs with an intermediate of the operator's own CA, whose root key is elsewhere. */
export function pluggedInAuthority(
  chain: SigningChain,
  options: Pick<AuthorityOptions, 'trustDomain' | 'clock' | 'rules'>,
): CertificateAuthority {
  const { trustDomain, clock } = options;
  const { signer, above, roots } = chain;
  const rules = rulesWithin(options.rules, chainEndsAtMs(chain) - clock.now());
  const signing = {
    signer,
    above,
    root: roots[0],
    options: { trustDomain, clock, rules },
    remedy:
      'if the clock is wrong, set it; if not, have your CA sign a new one and start with --ca-dir',
  };
  return {
    trustDomain,
    bundle: new WatchableValue(TrustBundle.of(trustDomain, roots)),
    intermediate: signer.certificate,
    rules,
    issue: (request) => issueSvid(request, signing),
    issueCrl: (entries) => issueCrl(signer, entries, clock.now()),
    issueCrls: (entriesOf) => issueCrls([signer], entriesOf, { clock, rules }),
    // Only the operator's CA can; a new one is read at the next start.
    renewIntermediate: async () => false,
  };
}
