import {
  type CertificateAuthority,
  openCertificateAuthority,
} from '../ca/certificate-authority.ts';
import { istioIssuanceRules } from '../ca/issuance-rules.ts';
import { pluggedInAuthority } from '../ca/plugged-in-authority.ts';
import { decodeSigningChain, type SigningChain } from '../ca/signing-chain.ts';
import { authoritySecret } from '../control/authority-secret.ts';
import { pluggedInSecret } from '../control/plugged-in-secret.ts';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import type { Store } from '../store/store.ts';
import { type Certificate, fingerprint } from '../x509/certificate.ts';
import type { KeyAlgorithm } from '../x509/key-pair.ts';
import { readCaDir } from './read-ca-dir.ts';

export interface AuthorityConfig {
  readonly trustDomain: string;
  readonly rootNamespace: string;
  /** Lifetime of an SVID when neither request nor service account says another. */
  readonly svidLifetimeMs: number;
  /** Of the keys that are made. */
  readonly caKeyAlgorithm?: KeyAlgorithm | undefined;
  /** A directory with the operator's own CA. Default: the one that is stored, else one is made. */
  readonly caDir?: string | undefined;
  readonly replaceExpiredRoot?: boolean | undefined;
}

/**
 * The authority of a mesh: the operator's CA where one is given or was given before, else the mesh's own.
 *
 * @throws {MeshError} ERR_STORE when a CA cannot be used, ERR_ISSUANCE when a root has expired.
 */
export async function openAuthority(
  config: AuthorityConfig,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): Promise<CertificateAuthority> {
  const { rootNamespace, caKeyAlgorithm, caDir, replaceExpiredRoot = false } = config;
  const trustDomain = TrustDomain.parse(config.trustDomain);
  const rules = { ...istioIssuanceRules, defaultLifetimeMs: config.svidLifetimeMs };
  const secret = pluggedInSecret(store, rootNamespace);
  const decode = (files: Parameters<typeof decodeSigningChain>[0]): SigningChain =>
    decodeSigningChain(files, { trustDomain, nowMs: clock.now() });

  if (caDir !== undefined) {
    const files = readCaDir(caDir);
    const chain = decode(files);
    refuseOtherRoot(chain, await storedRoot(store, { trustDomain, rootNamespace, clock }));
    await secret.save(files);
    return pluggedInAuthority(chain, { trustDomain, clock, rules });
  }
  const stored = await secret.load();
  if (stored !== undefined) {
    return pluggedInAuthority(decode(stored), { trustDomain, clock, rules });
  }
  return openCertificateAuthority({
    trustDomain,
    store: authoritySecret(store, rootNamespace),
    rules,
    clock,
    replaceExpiredRoot,
    ...(caKeyAlgorithm === undefined ? {} : { algorithm: caKeyAlgorithm }),
  });
}

/** The root that the agents of this mesh trust, if it has an authority. */
export async function storedRoot(
  store: Store,
  {
    trustDomain,
    rootNamespace,
    clock,
  }: {
    readonly trustDomain: TrustDomain;
    readonly rootNamespace: string;
    readonly clock: Clock;
  },
): Promise<Certificate | undefined> {
  const pluggedIn = await pluggedInSecret(store, rootNamespace).load();
  if (pluggedIn !== undefined) {
    return decodeSigningChain(pluggedIn, { trustDomain, nowMs: clock.now() }).roots[0];
  }
  return (await authoritySecret(store, rootNamespace).load())?.root.certificate;
}

/** The agents that are enrolled would refuse everybody, the control plane included. */
function refuseOtherRoot({ roots: [root] }: SigningChain, present: Certificate | undefined): void {
  if (present === undefined || fingerprint(present) === fingerprint(root)) return;
  throw new MeshError(
    'ERR_STORE',
    `the plug-in CA cannot be used: it leads to the root ${fingerprint(root)}, and the workloads of this mesh trust ${fingerprint(present)}; have that root sign the plug-in CA, or start a new mesh with another --data-dir`,
  );
}
