import type { TraceStep } from '../../policy/authorization/trace-decision.ts';
import type { CheckAnswer } from '../../policy/questions/check-answer.ts';

/** An answer for people: the verdict, what decided, and each rule that was asked. */
export function checkText(answer: CheckAnswer): string {
  const status = answer.status === null ? '' : ` (${answer.status})`;
  return [
    `${answer.verdict === 'allow' ? 'ALLOWED' : 'DENIED'}${status}: ${answer.reason}`,
    `  ${answer.request}, workload ${answer.workload}`,
    ...answer.trace.map(stepText),
    ...(answer.leftOut > 0 ? [`  and ${answer.leftOut} more rules`] : []),
    ...answer.audited.map((place) => `  audited by ${place}`),
    ...answer.dryRun.map((text) => `  dry run: ${text}`),
    ...answer.notes.map((note) => `  note: ${note}`),
  ].join('\n');
}

function stepText({ stage, dryRun, policy, rule, matched, because }: TraceStep): string {
  const mark = matched ? '+' : '-';
  return `  ${mark} ${stage}${dryRun ? ' (dry run)' : ''} ${policy} rule[${rule}]: ${because}`;
}
