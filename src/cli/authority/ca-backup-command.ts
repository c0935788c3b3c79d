import { Command } from 'commander';
import { MeshError } from '../../lib/errors.ts';
import { askPlane } from '../api-access.ts';
import { type CommonOptions, withAccess, withExamples } from '../options.ts';
import { type PassphraseOptions, passphraseOption, readPassphrase } from './passphrase.ts';

interface BackupAnswer {
  readonly resources: number;
  readonly version: number;
  readonly trustDomain: string;
  /** Base64. */
  readonly file: string;
}

const TIMEOUT_MS = 60_000;

/** `hauberk ca backup > file`. */
export function caBackupCommand(): Command {
  const command = new Command('backup')
    .description(
      'write authority, tokens and resources to standard output, encrypted with a passphrase',
    )
    .addOption(passphraseOption())
    .action(async (options: CommonOptions & PassphraseOptions) => {
      if (process.stdout.isTTY) {
        throw new MeshError(
          'ERR_USAGE',
          'a backup is not text; redirect it: hauberk ca backup > FILE',
        );
      }
      const passphrase = await readPassphrase(options, { confirm: true });
      const answer = await askPlane<BackupAnswer>(options, {
        method: 'POST',
        path: '/v1/ca/backup',
        body: { passphrase },
        timeoutMs: TIMEOUT_MS,
      });
      process.stdout.write(Buffer.from(answer.file, 'base64'));
      process.stderr.write(
        `backup of trust domain "${answer.trustDomain}": ${answer.resources} resources at version ${answer.version}\n`,
      );
    });
  return withExamples(withAccess(command), 'hauberk ca backup > mesh.backup');
}
