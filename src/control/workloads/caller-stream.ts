import type { Clock } from '../../lib/clock.ts';
import { sleepUntil } from '../../lib/sleep-until.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { IssuanceLedger } from '../issuance/issuance-ledger.ts';
import type { PeerEvidence } from '../issuance/peer-evidence.ts';
import type { Revocations } from '../revocation/revocations.ts';

export interface CallerStreamOptions {
  readonly revocations: Pick<Revocations, 'callers'>;
  /** Is told which certificates are in use. */
  readonly ledger: Pick<IssuanceLedger, 'shown'>;
  readonly clock: Clock;
}

/**
 * How long a stream may go on for the caller that began it: until its certificate expires or is
 * revoked, or one of `ends` aborts. `done` must be called when the stream has ended.
 */
export function callerStream(
  id: SpiffeId,
  { chain }: PeerEvidence,
  options: CallerStreamOptions,
  ends: readonly AbortSignal[],
): { readonly signal: AbortSignal; done(): void } {
  const { revocations, ledger, clock } = options;
  const [proof] = chain;
  const call = revocations.callers.begin(id.toString(), ...chain.map(({ serial }) => serial));
  ledger.shown(proof?.serial ?? '', clock.now());
  const over = new AbortController();
  const signal = AbortSignal.any([...ends, call.signal, over.signal]);
  void sleepUntil(proof?.notAfterMs ?? 0, clock, signal).then(() => over.abort());
  return {
    signal,
    done: () => {
      call.done();
      over.abort();
    },
  };
}
