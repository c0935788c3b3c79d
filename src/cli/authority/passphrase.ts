import { openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { Option } from 'commander';
import { readPrivateFile } from '../../app/private-file.ts';
import { MeshError } from '../../lib/errors.ts';
import { type HiddenLine, typeHidden } from './hidden-line.ts';

export interface PassphraseOptions {
  readonly passphraseFile?: string;
}

/** Never a value on the command line, which every user of the machine can list. */
export function passphraseOption(): Option {
  return new Option(
    '--passphrase-file <path>',
    'file (0600) with the passphrase (default: $HAUBERK_BACKUP_PASSPHRASE, or asked for on a terminal)',
  );
}

/**
 * The passphrase by file, environment or terminal, in this order.
 *
 * @throws {MeshError} ERR_USAGE when there is none of them, or when the two entries differ.
 */
export async function readPassphrase(
  { passphraseFile }: PassphraseOptions,
  { confirm }: { readonly confirm: boolean },
): Promise<string> {
  if (passphraseFile !== undefined) {
    return readPrivateFile({ path: passphraseFile, what: 'passphrase file' }).replace(/\r?\n$/, '');
  }
  const environment = process.env['HAUBERK_BACKUP_PASSPHRASE'];
  delete process.env['HAUBERK_BACKUP_PASSPHRASE'];
  if (environment !== undefined) return environment;
  const first = await ask('passphrase of the backup: ');
  if (confirm && (await ask('once more: ')) !== first) {
    throw new MeshError('ERR_USAGE', 'the two passphrases differ; nothing was written');
  }
  return first;
}

/** Asks on the terminal itself, for standard input and output carry the backup; nothing is echoed. */
async function ask(question: string): Promise<string> {
  const { input, output } = openTerminal();
  output.write(question);
  input.setRawMode(true);
  try {
    return await readHidden(input.setEncoding('utf8'));
  } finally {
    if (!input.destroyed) input.setRawMode(false);
    output.write('\n');
    input.destroy();
    output.destroy();
  }
}

async function readHidden(input: ReadStream): Promise<string> {
  let line: HiddenLine = { state: 'typing', text: '' };
  for await (const typed of input.iterator({ destroyOnReturn: false })) {
    line = typeHidden(line.text, String(typed));
    if (line.state !== 'typing') break;
  }
  if (line.state === 'done') return line.text;
  throw new MeshError('ERR_USAGE', 'stopped; nothing was written');
}

function openTerminal(): { readonly input: ReadStream; readonly output: WriteStream } {
  try {
    return {
      input: new ReadStream(openSync('/dev/tty', 'r+')),
      output: new WriteStream(openSync('/dev/tty', 'w')),
    };
  } catch (cause) {
    throw new MeshError(
      'ERR_USAGE',
      'there is no terminal to ask for the passphrase; give --passphrase-file or HAUBERK_BACKUP_PASSPHRASE',
      { cause },
    );
  }
}
