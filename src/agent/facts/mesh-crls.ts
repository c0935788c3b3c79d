import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { CertificateRevocationList } from '../../resources/kinds/certificate-revocation-list.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { type Crl, parseCrl } from '../../x509/crl.ts';

/** The lists, and the task that looks at the clock. */
export interface MeshCrls {
  readonly crls: Watchable<readonly Crl[]>;
  readonly run: Task;
}

/**
 * The revocation lists among the facts. One that cannot be read counts as none. While `run` is at work
 * readers hear of each that must not be used any more, so that no program is left with it.
 */
export function meshCrls(facts: Watchable<MeshFacts>, clock: Clock): MeshCrls {
  const crls = new WatchableValue(readAll(facts.current));
  let wake = new AbortController();
  facts.subscribe((next, before) => {
    if (next.revocationLists === before.revocationLists) return;
    crls.set(readAll(next));
    wake.abort();
  });
  return {
    crls,
    async run(signal) {
      while (!signal.aborted) {
        wake = new AbortController();
        const lasting = usableCrls(crls.current, clock.now());
        if (lasting.length < crls.current.length) crls.set(lasting);
        const endsAtMs = Math.min(...lasting.map(unusableAtMs), clock.now() + LONGEST_SLEEP_MS);
        await clock.sleep(endsAtMs - clock.now(), AbortSignal.any([signal, wake.signal]));
      }
    },
  };
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

/** A checker that has a list which ended refuses everybody, and takes a moment to be told. */
const MARGIN_MS = 5 * 60_000;
/** The clock may be set meanwhile. */
const LONGEST_SLEEP_MS = 60_000;

/** Those that may be relied on for some minutes more. */
export function usableCrls(crls: readonly Crl[], nowMs: number): readonly Crl[] {
  return crls.filter((crl) => unusableAtMs(crl) > nowMs);
}

function unusableAtMs({ nextUpdateMs = Number.POSITIVE_INFINITY }: Crl): number {
  return nextUpdateMs - MARGIN_MS;
}

/**
 * The lists with which all that `authorities` have signed can be checked, none when there is an
 * authority without one: a checker that has some lists refuses whatever was signed by an authority
 * whose list it lacks.
 */
export function completeCrls(
  crls: readonly Crl[],
  authorities: readonly Certificate[],
): readonly Crl[] {
  const covered = authorities.every(({ subjectDer }) =>
    crls.some(({ issuerDer }) => Buffer.compare(issuerDer, subjectDer) === 0),
  );
  return covered ? crls : [];
}
