import { createPrivateKey, X509Certificate } from 'node:crypto';
import { messageOf } from '../../lib/errors.ts';
import type { Credential, HeldCredential } from '../../policy/upstream/held-credentials.ts';
import { decodeSecretData, type Secret } from '../secret-data.ts';

/** The Secrets that a `credentialName` means; either may be missing. */
export interface CredentialSecrets {
  /** `namespace/name`. */
  readonly reference: string;
  readonly named: Secret | undefined;
  /** The one whose name has `-cacert` behind it, which is asked for authorities first. */
  readonly authorities: Secret | undefined;
  /** Whether the certificate is to be shown, so that its key is needed. */
  readonly isShown: boolean;
}

type Values = Readonly<Record<string, string>>;

/** Istio looks for the generic names first. */
const PAIRS = [
  ['cert', 'key'],
  ['tls.crt', 'tls.key'],
] as const;
const AUTHORITY_KEYS = ['cacert', 'ca.crt'];
const REVOCATION_KEYS = ['crl', 'ca.crl'];
/** Types that the mesh keeps its own secrets under. */
const OWN_TYPES = /^(?:istio\.io|(?:[a-z0-9-]+\.)*hauberk\.dev)\//;

/** Whether the mesh's own keys are in it, which are no business of any rule. */
export function isOwnSecret({ metadata, type = '' }: Secret, rootNamespace: string): boolean {
  const isPlugInAuthority = metadata.namespace === rootNamespace && metadata.name === 'cacerts';
  return isPlugInAuthority || OWN_TYPES.test(type);
}

/**
 * What a workload is given of the Secrets that a rule means (istio-semantics 5.3): the certificate with
 * its key only where it is shown, authorities always. Says in one sentence what is missing or wrong,
 * naming keys and never their values.
 */
export function secretCredential(secrets: CredentialSecrets): HeldCredential {
  const { reference, named, authorities, isShown } = secrets;
  const problem = (text: string): HeldCredential => ({
    problem: `credentialName: ${text}`,
  });
  if (named === undefined && (isShown || authorities === undefined)) {
    return problem(`there is no Secret ${reference}; create it in the namespace of the rule`);
  }
  const own = named === undefined ? {} : decodeSecretData(named);
  const trusted = authorities === undefined ? own : decodeSecretData(authorities);
  const authoritiesPem = firstOf(trusted, AUTHORITY_KEYS);
  if (authoritiesPem === undefined) {
    const where = authorities === undefined ? reference : `${reference}-cacert`;
    return problem(`Secret ${where} has no authorities in cacert or ca.crt; ${keysOf(trusted)}`);
  }
  const refusal = authorityRefusal(authoritiesPem);
  if (refusal !== undefined) return problem(`the authorities of Secret ${reference}: ${refusal}`);
  const revocationList = firstOf(trusted, REVOCATION_KEYS);
  const theirs = { authorities: authoritiesPem, revocationList };
  if (!isShown) return { credential: { certificate: undefined, privateKey: undefined, ...theirs } };
  const pair = PAIRS.map(([certificate, key]) => [own[certificate], own[key]] as const).find(
    ([certificate = '', key = '']) => certificate !== '' && key !== '',
  );
  const [certificate = '', privateKey = ''] = pair ?? [];
  if (pair === undefined) {
    return problem(
      `Secret ${reference} has no certificate with its key, as cert and key or as tls.crt and tls.key; ${keysOf(own)}`,
    );
  }
  const mismatch = pairRefusal(certificate, privateKey);
  if (mismatch !== undefined) return problem(`Secret ${reference}: ${mismatch}`);
  const credential: Credential = { certificate, privateKey, ...theirs };
  return { credential };
}

function firstOf(values: Values, keys: readonly string[]): string | undefined {
  return keys.map((key) => values[key]).find((value = '') => value !== '');
}

function keysOf(values: Values): string {
  const keys = Object.keys(values);
  return keys.length === 0 ? 'it is empty' : `it has ${keys.slice(0, 8).join(', ')}`;
}

function authorityRefusal(pem: string): string | undefined {
  try {
    new X509Certificate(pem);
    return undefined;
  } catch (error) {
    return `no certificate in PEM (${messageOf(error)})`;
  }
}

/** What Node says of keys is not quoted: it may quote them. */
function pairRefusal(certificate: string, privateKey: string): string | undefined {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(certificate);
  } catch (error) {
    return `its certificate is none in PEM (${messageOf(error)})`;
  }
  try {
    if (leaf.checkPrivateKey(createPrivateKey(privateKey))) return undefined;
  } catch {
    return 'its key is not a private key in PEM without a passphrase';
  }
  return 'its key does not belong to its certificate';
}
