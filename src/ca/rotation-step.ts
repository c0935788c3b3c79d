import type { KeySlots } from './rotation.ts';

/** Somebody for whose sake a rotation might wait. */
export interface Awaited {
  /** As people name it: `namespace/workload`, or the SPIFFE ID where no workload is known. */
  readonly name: string;
  readonly id: string;
  /** `away`: not connected, and not gone for so long that its registration was dropped. */
  readonly presence: 'connected' | 'away' | 'lost';
  /** What is missing, as the end of a sentence that begins with the name. */
  readonly lacks: string;
  /** The agent that serves it, by its name, where it is a program behind an agent. */
  readonly behind?: string;
}

/** What is known of the mesh when the next step is decided. */
export interface RotationEvidence {
  /** Who has not acknowledged the bundle in which the next authority is. */
  readonly unaware: readonly Awaited[];
  /** Who has a certificate that is valid and was not signed by the current key. */
  readonly outdated: readonly Awaited[];
}

export type RotationStep =
  | { readonly step: 'none' }
  | { readonly step: 'wait'; readonly for: readonly Awaited[] }
  | { readonly step: 'activate' }
  | { readonly step: 'retire' };

/**
 * What is to be done now. Of a new intermediate only who is connected must know: peers trust the root
 * and are shown the intermediate, but who checks revocation lists needs its list. After a compromise nobody is waited for who is lost: whoever has
 * the key would profit from each minute.
 */
export function nextStep(
  { rotation }: Pick<KeySlots<unknown>, 'rotation'>,
  { unaware, outdated }: RotationEvidence,
): RotationStep {
  if (rotation.phase === 'steady') return { step: 'none' };
  const { role, waived, compromised } = rotation;
  const counts = ({ name, id, behind, presence }: Awaited): boolean =>
    !(
      [name, id, behind].some((each) => each !== undefined && waived.includes(each)) ||
      (compromised && presence === 'lost')
    );
  if (rotation.phase === 'distributing') {
    const waiting = unaware
      .filter(counts)
      .filter(({ presence }) => role === 'root' || presence === 'connected');
    return waiting.length === 0 ? { step: 'activate' } : { step: 'wait', for: waiting };
  }
  const waiting = outdated.filter(counts);
  return waiting.length === 0 ? { step: 'retire' } : { step: 'wait', for: waiting };
}
