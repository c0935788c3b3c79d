import { MeshError } from '../../lib/errors.ts';
import { type Address, parseAddress } from '../address.ts';

export interface SvidFilesFlags {
  readonly svidFiles?: string;
  readonly svidFileNames?: string;
  readonly onRotate?: string;
  readonly reloadPidFile?: string;
  readonly reloadSignal?: ReloadSignal;
  readonly verifyTls?: string;
}

export const RELOAD_SIGNALS = ['HUP', 'USR1', 'USR2'] as const;
type ReloadSignal = (typeof RELOAD_SIGNALS)[number];

/** What the flags say; undefined without `--svid-files`. */
export interface SvidFilesSettings {
  readonly directory: string;
  readonly names: { readonly certificate: string; readonly key: string; readonly bundle: string };
  readonly hook:
    | { readonly kind: 'command'; readonly command: string }
    | {
        readonly kind: 'pid-file';
        readonly path: string;
        readonly signal: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';
      }
    | undefined;
  readonly verify: Address | undefined;
}

/** spiffe-helper's. */
export const DEFAULT_FILE_NAMES = 'svid.pem,svid_key.pem,svid_bundle.pem';
const FILE_NAME = /^(?!\.)[A-Za-z0-9._-]{1,255}$/;

/** @throws {MeshError} ERR_USAGE quoting what cannot be read, and for flags that need `--svid-files`. */
export function svidFilesOf(flags: SvidFilesFlags): SvidFilesSettings | undefined {
  const { svidFiles: directory, onRotate, reloadPidFile, verifyTls } = flags;
  if (directory === undefined) {
    const orphan = ['--on-rotate', '--reload-pid-file', '--verify-tls'].find(
      (_, at) => [onRotate, reloadPidFile, verifyTls][at] !== undefined,
    );
    if (orphan === undefined) return undefined;
    throw new MeshError('ERR_USAGE', `${orphan} is about files; give --svid-files a directory too`);
  }
  return {
    directory,
    names: namesOf(flags.svidFileNames ?? DEFAULT_FILE_NAMES),
    hook: hookOf(flags),
    verify: verifyTls === undefined ? undefined : parseAddress(verifyTls),
  };
}

function namesOf(text: string): SvidFilesSettings['names'] {
  const [certificate = '', key = '', bundle = '', ...more] = text.split(',');
  const names = [certificate, key, bundle];
  const good = names.every((name) => FILE_NAME.test(name)) && new Set(names).size === 3;
  if (good && more.length === 0) return { certificate, key, bundle };
  throw new MeshError(
    'ERR_USAGE',
    `--svid-file-names "${text}" cannot be read; write three different names: ${DEFAULT_FILE_NAMES}`,
  );
}

function hookOf({
  onRotate,
  reloadPidFile,
  reloadSignal = 'HUP',
}: SvidFilesFlags): SvidFilesSettings['hook'] {
  if (onRotate !== undefined && reloadPidFile !== undefined) {
    throw new MeshError('ERR_USAGE', 'give either --on-rotate or --reload-pid-file');
  }
  if (onRotate !== undefined) return { kind: 'command', command: onRotate };
  if (reloadPidFile === undefined) return undefined;
  return { kind: 'pid-file', path: reloadPidFile, signal: `SIG${reloadSignal}` };
}
