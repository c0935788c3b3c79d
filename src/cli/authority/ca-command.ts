import { Command } from 'commander';
import { caBackupCommand } from './ca-backup-command.ts';
import { caReloadCommand } from './ca-reload-command.ts';
import { caRestoreCommand } from './ca-restore-command.ts';
import { caRotateCommand } from './ca-rotate-command.ts';
import { caStatusCommand } from './ca-status-command.ts';

/** `hauberk ca …`: the certificate authority. */
export function caCommand(): Command {
  return new Command('ca')
    .description('the certificate authority')
    .addCommand(caBackupCommand())
    .addCommand(caRestoreCommand())
    .addCommand(caRotateCommand())
    .addCommand(caStatusCommand())
    .addCommand(caReloadCommand());
}
