import { Option } from 'commander';
import type { MasterKeySources } from '../../app/control-plane/master-key.ts';

export function masterKeyOption(): Option {
  return new Option(
    '--master-key-file <path>',
    'file (0600) with the base64 key that opens the database (default: $HAUBERK_MASTER_KEY, the systemd credential hauberk-master-key, or master.key in the data directory)',
  );
}

/**
 * The sources by flag and environment. The variable with the key is taken out of the environment,
 * so that neither a child process nor a crash report has it.
 */
export function masterKeySources(options: { readonly masterKeyFile?: string }): MasterKeySources {
  const environment = process.env['HAUBERK_MASTER_KEY'];
  delete process.env['HAUBERK_MASTER_KEY'];
  return {
    file: options.masterKeyFile,
    environment,
    credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'],
  };
}
