import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import type { Clock } from '../lib/clock.ts';
import { sleepUntil } from '../lib/sleep-until.ts';
import type { Task } from '../lib/tasks.ts';
import { type Watchable, WatchableValue } from '../lib/watchable.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import type { Certificate } from '../x509/certificate.ts';
import { generateKeyPair } from '../x509/key-pair.ts';
import { encodePem } from '../x509/pem.ts';

/** The service account of the control plane itself, in the root namespace. */
const CONTROL_PLANE_ACCOUNT = 'hauberk';

/** Who the control plane of a mesh is. */
export function controlPlaneId(trustDomain: TrustDomain, rootNamespace: string): SpiffeId {
  return SpiffeId.forServiceAccount(trustDomain, rootNamespace, CONTROL_PLANE_ACCOUNT);
}

/** Key and chain for the control plane's listeners, PEM, root included for clients that pin it. */
export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly leaf: Certificate;
  /** Who signed it. */
  readonly issuer: Certificate;
}

export interface ServerIdentityOptions {
  readonly authority: CertificateAuthority;
  readonly rootNamespace: string;
  readonly clock: Clock;
  /** Further names and addresses at which clients look for it. */
  readonly names?: { readonly dns: readonly string[]; readonly ip: readonly string[] };
}

/**
 * The control plane's own SVID, issued in the process and renewed by `run`: at half of its life, and
 * with each change of the authority, before anybody trusts only what comes after it.
 */
export function serverIdentity(options: ServerIdentityOptions): {
  readonly identity: Watchable<ServerIdentity>;
  readonly run: Task;
} {
  const { authority, clock } = options;
  const { slots } = authority;
  let issuedWith = slots.current;
  const identity = new WatchableValue(issue(options));
  return {
    identity,
    async run(signal) {
      let wake = new AbortController();
      const stop = slots.subscribe(() => wake.abort());
      while (!signal.aborted) {
        wake = new AbortController();
        const { notAfterMs } = identity.current.leaf;
        const dueAtMs = clock.now() + Math.max((notAfterMs - clock.now()) / 2, 1_000);
        const until = AbortSignal.any([signal, wake.signal]);
        if (slots.current === issuedWith) await sleepUntil(dueAtMs, clock, until);
        if (signal.aborted) break;
        issuedWith = slots.current;
        identity.set(issue(options));
      }
      stop();
    },
  };
}

function others({ bundle, slots }: CertificateAuthority, root: Certificate): Certificate[] {
  if (slots.current.rotation.phase !== 'retiring') return [];
  return bundle.current.x509Authorities.filter((other) => other.serial !== root.serial);
}

function issue({ authority, rootNamespace, names }: ServerIdentityOptions): ServerIdentity {
  const keys = generateKeyPair();
  const { chain, root } = authority.issue({
    id: controlPlaneId(authority.trustDomain, rootNamespace),
    csr: { publicKey: keys.publicKey, commonName: undefined },
    lifetimeMs: 0,
    // Istio's agents look for this name.
    dnsSans: [`istiod.${rootNamespace}.svc`, 'localhost', ...(names?.dns ?? [])],
    ...(names === undefined ? {} : { ipSans: names.ip }),
  });
  const pem = ({ der }: Certificate): string => encodePem('CERTIFICATE', der);
  return {
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    // With every root, so that tokens that carry the fingerprint of one that goes still find it.
    cert: [...chain, root, ...others(authority, root)].map(pem).join(''),
    ca: authority.bundle.current.toPem(),
    leaf: chain[0],
    issuer: chain[1],
  };
}
