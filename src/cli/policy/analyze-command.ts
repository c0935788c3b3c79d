import { Command, Option } from 'commander';
import type { Level } from '../../policy/analysis/finding.ts';
import { type CommonOptions, outputOption, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { analysisMessages, type Message, meshMessages } from './analysis-messages.ts';
import { examineFiles } from './examine-files.ts';
import { foundedBy, liveMesh, type MeshSourceOptions, withMeshSource } from './mesh-source.ts';

interface AnalyzeOptions extends CommonOptions, MeshSourceOptions {
  readonly failureThreshold: Level;
  readonly suppress?: readonly string[];
}

const LEVELS: readonly Level[] = ['Info', 'Warning', 'Error'];

/** `hauberk analyze`: what resources say together and is hardly meant. */
export function analyzeCommand(): Command {
  const command = new Command('analyze')
    .description("find mistakes in a mesh's resources, with Istio's codes where it has them")
    .argument('[files...]', 'files and directories, as -f')
    .addOption(
      new Option('--failure-threshold <level>', 'from which level on the exit code is 1')
        .choices(LEVELS)
        .default('Error'),
    )
    .option('-S, --suppress <code>', 'leave messages with that code out; may be repeated', collect)
    .addOption(outputOption());
  withMeshSource(command).action(async (files: readonly string[], options: AnalyzeOptions) => {
    const { suppress = [], failureThreshold, filename = [] } = options;
    const found = await messagesOf([...filename, ...files], options);
    const messages = found.filter(({ code }) => !suppress.includes(code));
    print(options.output ?? 'text', messages, textOf);
    const worst = Math.max(-1, ...messages.map(({ level }) => LEVELS.indexOf(level)));
    if (worst >= LEVELS.indexOf(failureThreshold)) process.exitCode = 1;
  });
  return withExamples(
    command,
    'hauberk analyze -f policies/',
    'hauberk analyze policies/ -o json --failure-threshold Warning',
  );
}

async function messagesOf(
  files: readonly string[],
  options: AnalyzeOptions,
): Promise<readonly Message[]> {
  if (files.length > 0) {
    const examined = examineFiles(files, options.namespace ?? 'default');
    return analysisMessages(examined, foundedBy(options));
  }
  const { resources, founded, secretsKnown } = await liveMesh(options);
  if (!secretsKnown) {
    process.stderr.write(
      'hauberk: note: you may not list Secrets, so the certificates that Gateways name are not looked for\n',
    );
  }
  return meshMessages(resources, { ...founded, ...foundedBy(options) }, { secretsKnown });
}

function textOf(messages: readonly Message[]): string {
  if (messages.length === 0) return 'no mistakes found';
  return messages
    .map(({ code, level, origin, message, reference }) => {
      const where = reference === undefined ? '' : ` ${reference}`;
      return `${level} [${code}] (${origin}${where}) ${message}`;
    })
    .join('\n');
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
