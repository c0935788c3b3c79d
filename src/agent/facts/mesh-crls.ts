import { MeshError } from '../../lib/errors.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { CertificateRevocationList } from '../../resources/kinds/certificate-revocation-list.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { type Crl, parseCrl } from '../../x509/crl.ts';

/** The revocation lists among the facts. One that cannot be read counts as none. */
export function meshCrls(facts: Watchable<MeshFacts>): Watchable<readonly Crl[]> {
  const crls = new WatchableValue(readAll(facts.current));
  facts.subscribe((next, before) => {
    if (next.revocationLists !== before.revocationLists) crls.set(readAll(next));
  });
  return crls;
}

function readAll({ revocationLists }: MeshFacts): readonly Crl[] {
  return revocationLists.flatMap(read);
}

function read({ spec }: CertificateRevocationList): Crl | [] {
  try {
    return parseCrl(Buffer.from(spec.list, 'base64'));
  } catch (error) {
    if (MeshError.is(error)) return [];
    throw error;
  }
}

/** Those that may still be relied on: an expired one would make checkers refuse everybody. */
export function usableCrls(crls: readonly Crl[], nowMs: number): readonly Crl[] {
  return crls.filter(({ nextUpdateMs = Number.POSITIVE_INFINITY }) => nextUpdateMs > nowMs);
}

/**
 * The lists with which every chain to the roots of `bundle` can be checked, none when there is a root
 * without one: that root's key is not the mesh's, others may sign below it, and a checker that has
 * some lists refuses whatever was signed by an authority whose list it lacks.
 */
export function completeCrls(
  crls: readonly Crl[],
  { x509Authorities }: TrustBundle,
): readonly Crl[] {
  const covered = x509Authorities.every(({ subjectDer }) =>
    crls.some(({ issuerDer }) => Buffer.compare(issuerDer, subjectDer) === 0),
  );
  return covered ? crls : [];
}
