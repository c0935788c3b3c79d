import { Command } from 'commander';
import { ROOT_NAMESPACE } from '../../app/data-dir.ts';
import { systemClock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import {
  type CommonOptions,
  dataDirOf,
  dataDirOption,
  outputOption,
  withExamples,
} from '../options.ts';
import { print } from '../output.ts';
import { masterKeyOption, masterKeySources } from './master-key-options.ts';
import { type PassphraseOptions, passphraseOption, readPassphrase } from './passphrase.ts';

interface RestoreOptions extends CommonOptions, PassphraseOptions {
  readonly masterKeyFile?: string;
}

/** Standard input beyond this is not read; a backup is smaller. */
const MOST_INPUT_BYTES = 80 * 1024 * 1024;

/** `hauberk ca restore < file --data-dir NEW`. */
export function caRestoreCommand(): Command {
  const command = new Command('restore')
    .description('make a new data directory from a backup on standard input')
    .addOption(passphraseOption())
    .addOption(masterKeyOption())
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (options: RestoreOptions) => {
      const dataDir = dataDirOf(options);
      const file = await readInput();
      const passphrase = await readPassphrase(options, { confirm: false });
      const { restoreBackup } = await import('../../app/control-plane/restore-backup.ts');
      const restored = await restoreBackup({
        dataDir,
        file,
        passphrase,
        masterKey: masterKeySources(options),
        rootNamespace: ROOT_NAMESPACE,
        clock: systemClock,
      });
      const takenAt = new Date(restored.createdAtMs).toISOString();
      print(options.output ?? 'text', { ...restored, dataDir }, () =>
        [
          `restored ${restored.resources} resources of ${takenAt} to "${dataDir}"`,
          `  root         sha256 ${restored.rootFingerprint}`,
          `next: hauberk up --data-dir ${dataDir} --trust-domain ${restored.trustDomain}, where the sidecars look for it`,
        ].join('\n'),
      );
    });
  return withExamples(command, 'hauberk ca restore --data-dir /var/lib/hauberk < mesh.backup');
}

async function readInput(): Promise<Uint8Array> {
  if (process.stdin.isTTY) {
    throw new MeshError(
      'ERR_USAGE',
      'the backup is read from standard input: hauberk ca restore < FILE',
    );
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length;
    if (size > MOST_INPUT_BYTES) {
      throw new MeshError(
        'ERR_LIMIT',
        `more than ${MOST_INPUT_BYTES} bytes on standard input; this is no backup`,
      );
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
