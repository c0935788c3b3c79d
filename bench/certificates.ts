import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testAuthority } from '../test/kit/test-authority.ts';

/** Files of one side, readable by their owner only. */
export interface CertificateFiles {
  /** Leaf and intermediate. */
  readonly chain: string;
  readonly key: string;
  /** Both in one file, as HAProxy wants them. */
  readonly chainAndKey: string;
}

export interface MeshCertificates {
  readonly caller: CertificateFiles;
  readonly callee: CertificateFiles;
  /** The root. */
  readonly ca: string;
  /** DNS name in the callee's certificate: nginx and HAProxy verify no SPIFFE IDs. */
  readonly calleeName: string;
}

const CALLEE_NAME = 'callee.bench.svc.cluster.local';

/**
 * ECDSA P-256 certificates made by the code with which Hauberk's own CA makes them: root,
 * intermediate, and a leaf with a SPIFFE ID for each side.
 */
export function writeCertificates(directory: string): MeshCertificates {
  const authority = testAuthority();
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const filesOf = (account: string, dnsSans: readonly string[]): CertificateFiles => {
    const svid = authority.issue(`spiffe://cluster.local/ns/bench/sa/${account}`, { dnsSans });
    const { cert, key } = authority.pems(svid);
    return {
      chain: write(`${account}.crt`, cert),
      key: write(`${account}.key`, key),
      chainAndKey: write(`${account}.pem`, cert + key),
    };
  };
  return {
    caller: filesOf('caller', []),
    callee: filesOf('callee', [CALLEE_NAME]),
    ca: write('ca.crt', authority.bundle.toPem()),
    calleeName: CALLEE_NAME,
  };
}
