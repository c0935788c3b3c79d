import { Command } from 'commander';
import { caBackupCommand } from './ca-backup-command.ts';
import { caRestoreCommand } from './ca-restore-command.ts';

/** `hauberk ca …`: the certificate authority. */
export function caCommand(): Command {
  return new Command('ca')
    .description('the certificate authority')
    .addCommand(caBackupCommand())
    .addCommand(caRestoreCommand());
}
