import { stringify } from 'yaml';
import { MeshError } from '../../lib/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import { writeWhole } from '../../lib/write-whole.ts';

/** What a kubeconfig says of one mesh. PEM texts. */
export interface KubeconfigEntry {
  /** `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly name: string;
}

/**
 * Writes a kubeconfig with the administrator's key to `path`, for its owner only (0600), whole or not at all.
 *
 * @throws {MeshError} ERR_STORE.
 */
export function writeKubeconfig(path: string, entry: KubeconfigEntry): void {
  try {
    writeWhole(path, kubeconfigText(entry));
  } catch (cause) {
    throw new MeshError('ERR_STORE', `cannot write "${path}": ${fileProblem(cause)}`, { cause });
  }
}

function kubeconfigText({ server, ca, cert, key, name }: KubeconfigEntry): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const user = `${name}-admin`;
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(ca) } }],
      users: [
        {
          name: user,
          user: {
            'client-certificate-data': base64(cert),
            'client-key-data': base64(key),
          },
        },
      ],
      contexts: [{ name, context: { cluster: name, user } }],
      'current-context': name,
    },
    { version: '1.1', lineWidth: 0 },
  );
}
