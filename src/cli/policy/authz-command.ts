import { Command } from 'commander';
import { authzCheckCommand } from './authz-check-command.ts';
import { authzExplainCommand } from './authz-explain-command.ts';

/** `hauberk authz`: who may call whom, and why. */
export function authzCommand(): Command {
  return new Command('authz')
    .description('say who may call whom, and by which policy')
    .addCommand(authzCheckCommand())
    .addCommand(authzExplainCommand());
}
