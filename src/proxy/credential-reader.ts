import { MeshError } from '../lib/errors.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { MeshFacts } from '../policy/mesh-facts.ts';
import type { ReadCredential } from './tls-material.ts';

const CONFIG_MAP = 'configmap://';
const AUTHORITY_KEYS = ['ca.crt', 'cacert'];

/**
 * Reads what rules name by `credentialName`: `configmap://namespace/name` from the facts, a Secret by
 * `secrets`.
 */
export function credentialReader(
  facts: Watchable<MeshFacts>,
  secrets: ReadCredential | undefined,
): ReadCredential {
  return async (reference) => {
    if (reference.startsWith(CONFIG_MAP)) return ofConfigMap(facts.current, reference);
    if (secrets !== undefined) return await secrets(reference);
    throw new MeshError(
      'ERR_NOT_FOUND',
      `credentialName "${reference}" names a Secret, and this proxy is given none; name files or a ConfigMap`,
    );
  };
}

async function ofConfigMap(
  { configMaps }: MeshFacts,
  reference: string,
): ReturnType<ReadCredential> {
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
