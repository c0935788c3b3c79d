import { MeshError } from '../lib/errors.ts';
import type { AttestedCaller, Attestor, Evidence } from './attestor.ts';

/**
 * The caller behind `evidence`, by the first attestor whose kind of evidence it shows.
 *
 * @throws {MeshError} ERR_UNAUTHENTICATED when the evidence is bad or there is none.
 */
export async function identifyCaller(
  attestors: readonly Attestor[],
  evidence: Evidence,
): Promise<AttestedCaller> {
  for (const attestor of attestors) {
    const caller = await attestor.attest(evidence);
    if (caller !== undefined) return caller;
  }
  throw new MeshError(
    'ERR_UNAUTHENTICATED',
    'the caller showed neither a client certificate nor a known kind of token',
  );
}
