import { randomBytes } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { MeshError } from '../../lib/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { encodePem } from '../../x509/pem.ts';

/** What the files are called; the defaults are spiffe-helper's. */
export interface SvidFileNames {
  readonly certificate: string;
  readonly key: string;
  readonly bundle: string;
}

export const spiffeHelperNames: SvidFileNames = {
  certificate: 'svid.pem',
  key: 'svid_key.pem',
  bundle: 'svid_bundle.pem',
};

const DATA = '..data';
const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Writes certificate chain, key and roots as PEM (0600) into `directory`, all three in one step, as
 * Kubernetes' volumes do: the names are links through `..data`, which is swapped. What was there
 * before is removed.
 *
 * @throws {MeshError} ERR_STORE when the directory is no safe place, or the disk does not take them.
 */
export async function writeSvidFiles(
  directory: string,
  names: SvidFileNames,
  identity: Identity,
): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    await refuseUnsafe(directory);
    const fresh = `..${new Date().toISOString().replaceAll(/[^0-9TZ]/g, '')}.${randomBytes(4).toString('hex')}`;
    await refuseOthersFiles(directory, [DATA, ...Object.values(names)]);
    const before = await readlink(join(directory, DATA)).catch(() => undefined);
    try {
      await writeAll(join(directory, fresh), names, identity);
      await replaceLink(directory, DATA, fresh);
    } catch (error) {
      // A key that nobody uses, and one more at each try.
      await rm(join(directory, fresh), { recursive: true, force: true });
      throw error;
    }
    for (const name of Object.values(names)) {
      const target = join(DATA, name);
      const present = await readlink(join(directory, name)).catch(() => undefined);
      if (present !== target) await replaceLink(directory, name, target);
    }
    await removeOthers(directory, [fresh, ...(before === fresh ? [before] : [])]);
  } catch (cause) {
    if (MeshError.is(cause)) throw cause;
    const text = `cannot write the certificate into "${directory}": ${fileProblem(cause)}`;
    throw new MeshError('ERR_STORE', text, { cause });
  }
}

/** Whoever may write there could have the key written to a place of their own. */
async function refuseUnsafe(directory: string): Promise<void> {
  const { mode } = await stat(directory);
  if ((mode & WRITABLE_BY_OTHERS) === 0) return;
  throw new MeshError(
    'ERR_STORE',
    `no key is written into "${directory}": others may write there (mode ${(mode & 0o777).toString(8)}); run chmod go-w on it`,
  );
}

async function writeAll(
  directory: string,
  names: SvidFileNames,
  { svid, bundle }: Identity,
): Promise<void> {
  await mkdir(directory, { mode: OWNER_ONLY_DIRECTORY });
  await chmod(directory, OWNER_ONLY_DIRECTORY);
  const chain = svid.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
  const key = svid.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writePrivate(join(directory, names.certificate), chain);
  await writePrivate(join(directory, names.key), key);
  await writePrivate(join(directory, names.bundle), bundle.toPem());
}

async function writePrivate(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', OWNER_ONLY_FILE);
  await file.writeFile(text);
  await file.sync();
}

async function refuseOthersFiles(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(directory, name);
    const present = await lstat(path).catch(() => undefined);
    if (present === undefined || present.isSymbolicLink()) continue;
    throw new MeshError(
      'ERR_STORE',
      `"${path}" is there and was not written by a sidecar; move it away`,
    );
  }
}

/** There is no moment in which nothing is under the name. */
async function replaceLink(directory: string, name: string, target: string): Promise<void> {
  const temporary = join(directory, `..new.${name.replaceAll('.', '_')}`);
  await rm(temporary, { recursive: true, force: true });
  await symlink(target, temporary);
  await rename(temporary, join(directory, name));
}

const OURS = /^\.\.\d{8}T\d{9}Z\.[0-9a-f]{8}$/;

async function removeOthers(directory: string, kept: readonly string[]): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!OURS.test(name) || kept.includes(name)) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}
