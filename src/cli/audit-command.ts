import { join } from 'node:path';
import { Command } from 'commander';
import { type ChainVerdict, verifyAuditFile } from '../app/control-plane/verify-audit.ts';
import { MeshError } from '../lib/errors.ts';
import {
  type CommonOptions,
  dataDirOf,
  dataDirOption,
  outputOption,
  withExamples,
} from './options.ts';
import { print } from './output.ts';

interface VerifyOptions extends CommonOptions {
  readonly file?: string;
  readonly expect?: string;
}

/** `hauberk audit verify`. */
export function auditCommand(): Command {
  const verify = new Command('verify')
    .description(
      'follow the hash chain of the audit log: 0 when it is whole, 1 with the line where it was altered',
    )
    .option('--file <path>', 'an audit log elsewhere (default: audit.log in the data directory)')
    .option('--expect <hash>', 'a hash printed before; not found means that lines were cut off')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (options: VerifyOptions) => {
      const { expect, output = 'text' } = options;
      if (expect !== undefined && !/^[0-9a-f]{64}$/.test(expect)) {
        throw new MeshError(
          'ERR_USAGE',
          `--expect "${expect}" is not a hash: 64 digits of 0-9 and a-f`,
        );
      }
      const path = options.file ?? join(dataDirOf(options), 'audit.log');
      const verdict = await verifyAuditFile(path, expect);
      print(output, verdict, lines);
      if (!verdict.whole || !verdict.expected) process.exitCode = 1;
    });
  withExamples(verify, 'hauberk audit verify', 'hauberk audit verify --file audit.log -o json');
  return new Command('audit').description('the record of who did what').addCommand(verify);
}

function lines(verdict: ChainVerdict): string {
  if (!verdict.whole) return `line ${verdict.line}: ${verdict.reason}`;
  const { lines: count, unchained, head, expected } = verdict;
  return [
    `${count} lines, each follows the one before it`,
    ...(unchained === 0 ? [] : [`the first ${unchained} are of a version that did not chain yet`]),
    ...(expected
      ? []
      : ['the expected hash is not in it: lines were cut off the end, or it is another log']),
    `head ${head}`,
  ].join('\n');
}
