import { MeshError } from '../lib/errors.ts';

/** A CA of the operator's, under the names that Istio's Secret `cacerts` has. Values are PEM. */
export interface PluggedInFiles {
  /** The certificate that signs. */
  readonly 'ca-cert.pem': string;
  readonly 'ca-key.pem': string;
  readonly 'root-cert.pem': string;
  /** What leads from ca-cert.pem to the root; either end may be in it too. */
  readonly 'cert-chain.pem': string;
  /** Revocation lists of the authorities above ca-cert.pem, for Envoys. */
  readonly 'ca-crl.pem'?: string;
}

const ISTIO = ['ca-cert.pem', 'ca-key.pem', 'root-cert.pem', 'cert-chain.pem'] as const;
const TLS = ['tls.crt', 'tls.key', 'ca.crt'] as const;

/** May stand beside either layout; by itself it is no CA. */
const LISTS = 'ca-crl.pem';

/** The names that a plug-in CA may have, of both layouts. */
export const PLUGGED_IN_NAMES = [...ISTIO, ...TLS, LISTS] as const;

export type PluggedInName = (typeof PLUGGED_IN_NAMES)[number];

/**
 * Brings either layout, Istio's or `kubernetes.io/tls`, to Istio's.
 *
 * @param source where the files come from, for messages.
 * @throws {MeshError} ERR_STORE when there is none, only a part, or a mixture.
 */
export function pluggedInFiles(
  files: Partial<Readonly<Record<PluggedInName, string>>>,
  source: string,
): PluggedInFiles {
  const has = (names: readonly PluggedInName[]): boolean => names.some((name) => files[name]);
  if (has(ISTIO) && has(TLS)) {
    throw new MeshError(
      'ERR_STORE',
      `${source} holds files of both layouts, ${ISTIO.join(', ')} and ${TLS.join(', ')}; remove one of them`,
    );
  }
  const { [LISTS]: crls } = files;
  const lists = crls ? { [LISTS]: crls } : {};
  if (has(TLS)) return { ...fromTls(files, source), ...lists };
  requireAll(files, ISTIO, source);
  const text = (name: PluggedInName): string => files[name] ?? '';
  return {
    'ca-cert.pem': text('ca-cert.pem'),
    'ca-key.pem': text('ca-key.pem'),
    'root-cert.pem': text('root-cert.pem'),
    'cert-chain.pem': text('cert-chain.pem'),
    ...lists,
  };
}

const END = '-----END CERTIFICATE-----';

/** `tls.crt` is the signer followed by what is above it. */
function fromTls(
  files: Partial<Readonly<Record<PluggedInName, string>>>,
  source: string,
): PluggedInFiles {
  requireAll(files, TLS, source);
  const { 'tls.crt': chain = '', 'tls.key': key = '', 'ca.crt': root = '' } = files;
  const end = chain.indexOf(END);
  return {
    'ca-cert.pem': end === -1 ? chain : `${chain.slice(0, end)}${END}\n`,
    'ca-key.pem': key,
    'root-cert.pem': root,
    'cert-chain.pem': chain,
  };
}

function requireAll(
  files: Partial<Readonly<Record<PluggedInName, string>>>,
  names: readonly PluggedInName[],
  source: string,
): void {
  const missing = names.filter((name) => !files[name]);
  if (missing.length === 0) return;
  throw new MeshError(
    'ERR_STORE',
    `${source} is no complete plug-in CA: it lacks ${missing.join(', ')}; a part of one is never used`,
  );
}
