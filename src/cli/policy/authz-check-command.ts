import { Command } from 'commander';
import { MeshError } from '../../lib/errors.ts';
import { type CheckAnswer, Checker } from '../../policy/questions/check-answer.ts';
import type { CheckQuestion } from '../../policy/questions/check-question.ts';
import { parseCheckQuestions } from '../../policy/questions/parse-check-questions.ts';
import { type CommonOptions, outputOption, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { checkText } from './check-text.ts';
import { type MeshSourceOptions, meshOf, withMeshSource } from './mesh-source.ts';
import { readText } from './policy-files.ts';
import { type QuestionOptions, questionOf } from './question-options.ts';

interface CheckOptions extends CommonOptions, MeshSourceOptions, QuestionOptions {
  readonly request?: string;
}

const LARGEST_REQUESTS = 64 * 1024 * 1024;

/** `hauberk authz check`: the verdict of the mesh on one call, or on each of a file's. */
export function authzCheckCommand(): Command {
  const command = new Command('check')
    .description('say whether a call would be let through, and by which policy and rule')
    .option(
      '--from <caller>',
      'namespace/service-account, a whole principal, or "plaintext" for a caller without an identity',
    )
    .option('--to <workload>', 'namespace/name[:port] of a workload, Service or ServiceAccount')
    .option('--method <method>', 'method of an HTTP request')
    .option('--path <path>', 'its path, with the query if there is one')
    .option('--host <host>', 'its host, with the port if there is one')
    .option('--header <name: value>', 'one of its headers; may be repeated', collect)
    .option('--jwt <token>', 'its token, or the claims of one as JSON')
    .option('--ip <address>', 'address of the caller')
    .option('--sni <name>', 'server name that the caller asks TLS for')
    .option('--request <file>', 'many calls instead, in JSON; - for standard input')
    .addOption(outputOption());
  withMeshSource(command).action(async (options: CheckOptions) => {
    const mesh = await meshOf(options);
    const questions = questionsOf(options, mesh.settings.trustDomain);
    const checker = new Checker(mesh, { nowMs: Date.now() });
    const answers = questions.map((question, index) =>
      answered(checker, question, options.request === undefined ? undefined : index),
    );
    if (options.request === undefined) {
      const [answer] = answers;
      if (answer !== undefined) print(options.output ?? 'text', answer, checkText);
    } else {
      process.stdout.write(answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''));
    }
    if (answers.some(({ verdict }) => verdict === 'deny')) process.exitCode = 1;
  });
  return withExamples(
    command,
    'hauberk authz check --from shop/frontend --to shop/products:8080 --method GET --path /api/products',
    'hauberk authz check --from shop/frontend --to shop/products -f policies/ -o json',
    'hauberk authz check --request calls.json -f policies/',
  );
}

function questionsOf(options: CheckOptions, trustDomain: string): readonly CheckQuestion[] {
  if (options.request === undefined) return [questionOf(options, trustDomain)];
  if (options.from !== undefined || options.to !== undefined) {
    throw new MeshError('ERR_USAGE', '--request says all that --from and --to do; give either');
  }
  return parseCheckQuestions(readText(options.request, LARGEST_REQUESTS), options.request);
}

function answered(
  checker: Checker,
  question: CheckQuestion,
  index: number | undefined,
): CheckAnswer {
  const answer = checker.answer(question);
  if (!('problem' in answer)) return answer;
  const which = index === undefined ? '' : `request ${index + 1}: `;
  throw new MeshError('ERR_USAGE', `${which}${answer.problem}`);
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
