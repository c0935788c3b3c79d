import { resolve } from 'node:path';
import { Command } from 'commander';
import { type Diagnosis, exitCodeFor, type Finding } from '../../app/doctor/finding.ts';
import { systemClock } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/duration.ts';
import {
  type CommonOptions,
  dataDirOf,
  dataDirOption,
  outputOption,
  withExamples,
} from '../options.ts';
import { print } from '../output.ts';
import { type Style, styleFor } from '../style.ts';

interface DoctorFlags extends CommonOptions {
  readonly sidecar?: string;
  readonly failWithin?: string;
}

/** `hauberk doctor`: exit 0 when healthy, 1 for a problem, 3 when something could not be found out. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('examine a control plane, or with --sidecar one sidecar, on its own host')
    .option('--sidecar <state-dir>', 'examine the sidecar of this state directory instead')
    .option(
      '--fail-within <duration>',
      'an authority that ends sooner is a problem (default: 30d, or a quarter of its life)',
    )
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (options: DoctorFlags) => {
      const { examineControlPlane, examineSidecar } = await import(
        '../../app/doctor/run-doctor.ts'
      );
      const { failWithin } = options;
      const withinMs = failWithin === undefined ? undefined : parseDuration(failWithin);
      const answer =
        options.sidecar === undefined
          ? await examineControlPlane(dataDirOf(options), { clock: systemClock, withinMs })
          : await examineSidecar(resolve(options.sidecar), { clock: systemClock });
      print(options.output ?? 'text', answer, (value) => text(value, styleFor(process.stdout)));
      process.exitCode = exitCodeFor(answer);
    });
  return withExamples(
    command,
    'hauberk doctor',
    'hauberk doctor --fail-within 90d -o json',
    'hauberk doctor --sidecar ~/.hauberk/sidecars/reviews',
  );
}

function text({ subject, findings }: Diagnosis, style: Style): string {
  const count = (level: Finding['level']): number =>
    findings.filter((finding) => finding.level === level).length;
  const summary = `${count('problem')} problems, ${count('warning')} warnings, ${count('unknown')} unknown, ${count('ok')} good`;
  return [style.strong(subject), ...findings.map((each) => lines(each, style)), summary].join('\n');
}

function lines({ check, level, what, evidence, action }: Finding, style: Style): string {
  const word = level.padEnd(8);
  const shown = level === 'ok' ? style.good(word) : level === 'warning' ? word : style.bad(word);
  const first = `  ${shown} ${check}: ${what} (${evidence})`;
  return action === undefined ? first : `${first}\n           -> ${action}`;
}
