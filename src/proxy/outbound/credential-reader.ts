import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { Credential, HeldCredentials } from '../../policy/upstream/held-credentials.ts';
import type { ReadCredential } from '../tls/tls-material.ts';

export interface CredentialReaderOptions {
  readonly facts: Watchable<MeshFacts>;
  /** What the control plane has said of Secrets; undefined: nobody asks it. */
  readonly held: Watchable<HeldCredentials> | undefined;
  readonly clock: Clock;
}

const CONFIG_MAP = 'configmap://';
const AUTHORITY_KEYS = ['ca.crt', 'cacert'];
/** A rule is here before what it names. */
const PATIENCE_MS = 3_000;

/**
 * Reads what rules name by `credentialName`: `configmap://namespace/name` from the facts, a Secret of what
 * the control plane has given, for whose first answer it waits up to three seconds.
 */
export function credentialReader({ facts, held, clock }: CredentialReaderOptions): ReadCredential {
  return async (reference) => {
    if (reference.startsWith(CONFIG_MAP)) return ofConfigMap(facts.current, reference);
    if (held === undefined) {
      throw new MeshError(
        'ERR_NOT_FOUND',
        `credentialName "${reference}" names a Secret, and this proxy is given none; name files or a ConfigMap`,
      );
    }
    if (!held.current.has(reference)) await answered(held, reference, clock);
    const answer = held.current.get(reference);
    if (answer === undefined) {
      throw new MeshError(
        'ERR_NOT_FOUND',
        `credentialName "${reference}": the control plane has not said yet what is in this Secret; see whether it can be reached`,
      );
    }
    if ('problem' in answer) throw new MeshError('ERR_NOT_FOUND', answer.problem);
    return answer.credential;
  };
}

async function answered(
  held: Watchable<HeldCredentials>,
  reference: string,
  clock: Clock,
): Promise<void> {
  const there = new AbortController();
  const stop = held.subscribe((now) => {
    if (now.has(reference)) there.abort();
  });
  await clock.sleep(PATIENCE_MS, there.signal);
  stop();
}

async function ofConfigMap({ configMaps }: MeshFacts, reference: string): Promise<Credential> {
  const [namespace, name] = reference.slice(CONFIG_MAP.length).split('/');
  const map = configMaps.find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
  );
  const authorities = AUTHORITY_KEYS.map((key) => map?.data?.[key]).find(
    (text) => text !== undefined,
  );
  if (authorities === undefined) {
    throw new MeshError(
      'ERR_NOT_FOUND',
      `credentialName "${reference}" names no ConfigMap with the key ${AUTHORITY_KEYS.join(' or ')} that this workload may see`,
    );
  }
  return { certificate: undefined, privateKey: undefined, authorities };
}
