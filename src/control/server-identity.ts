import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import type { Clock } from '../lib/clock.ts';
import type { Task } from '../lib/tasks.ts';
import { type Watchable, WatchableValue } from '../lib/watchable.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { Certificate } from '../x509/certificate.ts';
import { generateKeyPair } from '../x509/key-pair.ts';
import { encodePem } from '../x509/pem.ts';

/** The service account of the control plane itself, in the root namespace. */
const CONTROL_PLANE_ACCOUNT = 'hauberk';

/** Key and chain for the control plane's listeners, PEM, root included for clients that pin it. */
export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly leaf: Certificate;
}

export interface ServerIdentityOptions {
  readonly authority: CertificateAuthority;
  readonly rootNamespace: string;
  readonly clock: Clock;
  /** Further names and addresses at which clients look for it. */
  readonly names?: { readonly dns: readonly string[]; readonly ip: readonly string[] };
}

/** The control plane's own SVID, issued in the process and renewed at half of its life by `run`. */
export function serverIdentity(options: ServerIdentityOptions): {
  readonly identity: Watchable<ServerIdentity>;
  readonly run: Task;
} {
  const { clock } = options;
  const identity = new WatchableValue(issue(options));
  return {
    identity,
    async run(signal) {
      while (!signal.aborted) {
        const { notAfterMs } = identity.current.leaf;
        await clock.sleep(Math.max((notAfterMs - clock.now()) / 2, 1_000), signal);
        if (!signal.aborted) identity.set(issue(options));
      }
    },
  };
}

function issue({ authority, rootNamespace, names }: ServerIdentityOptions): ServerIdentity {
  const keys = generateKeyPair();
  const { chain, root } = authority.issue({
    id: SpiffeId.forServiceAccount(authority.trustDomain, rootNamespace, CONTROL_PLANE_ACCOUNT),
    csr: { publicKey: keys.publicKey, commonName: undefined },
    lifetimeMs: 0,
    // Istio's agents look for this name.
    dnsSans: [`istiod.${rootNamespace}.svc`, 'localhost', ...(names?.dns ?? [])],
    ...(names === undefined ? {} : { ipSans: names.ip }),
  });
  const pem = ({ der }: Certificate): string => encodePem('CERTIFICATE', der);
  return {
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: [...chain, root].map(pem).join(''),
    ca: authority.bundle.current.toPem(),
    leaf: chain[0],
  };
}
