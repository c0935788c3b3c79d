import { buildCrl } from '../../src/x509/build-crl.ts';
import type { Crl } from '../../src/x509/crl.ts';
import type { TestAuthority } from './test-authority.ts';

export interface TestCrlOptions {
  readonly revoked?: readonly string[];
  readonly nextUpdateMs?: number;
}

/** The lists of the intermediate, which has revoked these serials, and of the root, which has none. */
export function testCrls(
  { intermediateSigner, rootSigner }: TestAuthority,
  { revoked = [], nextUpdateMs = Date.now() + 3_600_000 }: TestCrlOptions = {},
): readonly [Crl, Crl] {
  const list = (signer: TestAuthority['rootSigner'], serials: readonly string[]): Crl => {
    const { certificate, privateKey } = signer;
    if (certificate === undefined) throw new Error('a signer without a certificate');
    const revokedAtMs = Date.now() - 60_000;
    return buildCrl(
      {
        ...{ thisUpdateMs: revokedAtMs, nextUpdateMs, number: Date.now() },
        entries: serials.map((serial) => ({ serial, revokedAtMs, reason: 'keyCompromise' })),
      },
      { certificate, privateKey },
    );
  };
  return [list(intermediateSigner, revoked), list(rootSigner, [])];
}
