import { encodeAuthorities } from '../../ca/authority-store.ts';
import {
  type CertificateAuthority,
  openCertificateAuthority,
} from '../../ca/certificate-authority.ts';
import { decodeGivenCrls } from '../../ca/given-crls.ts';
import { istioIssuanceRules } from '../../ca/issuance-rules.ts';
import { type PluggedIn, pluggedInAuthority } from '../../ca/plugged-in-authority.ts';
import type { PluggedInFiles } from '../../ca/plugged-in-files.ts';
import { type Reloaded, reloadPluggedIn, withGiven } from '../../ca/plugged-in-reload.ts';
import { steady } from '../../ca/rotating-authority.ts';
import { type KeySlots, mapSlots, type RotationOrder } from '../../ca/rotation.ts';
import { decodeSigningChain } from '../../ca/signing-chain.ts';
import { authoritySecret } from '../../control/authority-secret.ts';
import { pluggedInSecret } from '../../control/plugged-in-secret.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Store } from '../../store/store.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { KeyAlgorithm } from '../../x509/key-pair.ts';
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

/** An authority, and how it takes up what has changed where its keys come from. */
export interface OpenAuthority {
  readonly authority: CertificateAuthority;
  /**
   * Reads the plug-in CA again; a new signer, or a new root, goes the way of every rotation, newer
   * revocation lists take the place of those before.
   *
   * @throws {MeshError} ERR_USAGE without --ca-dir, ERR_STORE when it cannot be used, ERR_CONFLICT.
   */
  readonly reload: (order: Omit<RotationOrder, 'role'>) => Promise<Reloaded>;
}

/**
 * The authority of a mesh: the operator's CA where one is given or was given before, else the mesh's own.
 *
 * @throws {MeshError} ERR_STORE when a CA cannot be used, ERR_ISSUANCE when a root has expired.
 */
export async function openAuthority(
  config: AuthorityConfig,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): Promise<OpenAuthority> {
  const { rootNamespace, caKeyAlgorithm, caDir, replaceExpiredRoot = false } = config;
  const trustDomain = TrustDomain.parse(config.trustDomain);
  const rules = { ...istioIssuanceRules, defaultLifetimeMs: config.svidLifetimeMs };
  const about = { trustDomain, clock, rules };
  const secret = pluggedInSecret(store, rootNamespace);
  const decode = (files: PluggedInFiles): PluggedIn => {
    const nowMs = clock.now();
    const chain = decodeSigningChain(files, { trustDomain, nowMs });
    return { files, chain, crls: decodeGivenCrls(files['ca-crl.pem'], { chain, nowMs }) };
  };
  const save = (slots: KeySlots<PluggedIn>): Promise<void> =>
    secret.save(mapSlots(slots, ({ files }) => files));

  const kept = await secret.load();
  const stored = kept && mapSlots(kept, decode);
  if (caDir !== undefined) {
    const given = decode(readCaDir(caDir));
    const present = stored ?? (await ownAsPluggedIn(store, rootNamespace, decode));
    const slots = present === undefined ? steady(given) : withGiven(present, given, clock.now());
    if (slots !== stored) await save(slots);
    const authority = pluggedInAuthority(slots, { ...about, save });
    const read = (): PluggedIn => decode(readCaDir(caDir));
    return { authority, reload: (order) => reloadPluggedIn(authority, { read, order }) };
  }
  if (stored !== undefined) {
    return { authority: pluggedInAuthority(stored, { ...about, save }), reload: nothingToRead };
  }
  const authority = await openCertificateAuthority({
    ...about,
    store: authoritySecret(store, rootNamespace),
    replaceExpiredRoot,
    ...(caKeyAlgorithm === undefined ? {} : { algorithm: caKeyAlgorithm }),
  });
  return { authority, reload: nothingToRead };
}

async function nothingToRead(): Promise<never> {
  throw new MeshError(
    'ERR_USAGE',
    'this control plane was not started with --ca-dir, so there is nothing to read again; its own keys are replaced by `hauberk ca rotate`',
  );
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
    return decodeSigningChain(pluggedIn.current, { trustDomain, nowMs: clock.now() }).roots[0];
  }
  return (await authoritySecret(store, rootNamespace).load())?.current.root.certificate;
}

/**
 * The mesh's own CA as if it had been given: a plug-in CA takes its place by a rotation like any other,
 * in which the own intermediate signs until everybody knows the new root.
 *
 * @throws {MeshError} ERR_CONFLICT while the own one is being rotated: that would take three slots.
 */
async function ownAsPluggedIn(
  store: Store,
  rootNamespace: string,
  decode: (files: PluggedInFiles) => PluggedIn,
): Promise<KeySlots<PluggedIn> | undefined> {
  const own = await authoritySecret(store, rootNamespace).load();
  if (own === undefined) return undefined;
  if (own.rotation.phase !== 'steady') {
    throw new MeshError(
      'ERR_CONFLICT',
      `the plug-in CA cannot be taken yet: a rotation of the mesh's own ${own.rotation.role} is under way (${own.rotation.phase}). Start without --ca-dir, let it end or give it up (\`hauberk ca rotate --abort\`), then start with --ca-dir`,
    );
  }
  const files = encodeAuthorities(own.current);
  const { 'root-cert.pem': root, 'ca-cert.pem': signer, 'ca-key.pem': key } = files;
  const given = { 'ca-cert.pem': signer, 'ca-key.pem': key, 'root-cert.pem': root };
  return steady(decode({ ...given, 'cert-chain.pem': `${signer}${root}` }));
}
