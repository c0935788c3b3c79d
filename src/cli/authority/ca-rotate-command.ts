import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import type { RotationStatus } from '../../app/control-plane/authority-rotation.ts';
import { askPlane } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { progressOn } from '../progress.ts';
import { caStatusText, waitingText } from './ca-status-command.ts';

interface RotateOptions extends CommonOptions {
  readonly root?: boolean;
  readonly compromised?: boolean;
  readonly waive: readonly string[];
  readonly renewWithin?: string;
  readonly wait?: boolean;
  readonly abort?: boolean;
}

const POLL_MS = 300;

/** `hauberk ca rotate`. */
export function caRotateCommand(): Command {
  const command = new Command('rotate')
    .description(
      'replace the key that signs, or with --root the root too, without a failed request: the new one is made known, signs when everybody knows it, and the old one goes when nobody needs it',
    )
    .option('--root', 'the root; without it, the intermediate under the present root')
    .option(
      '--compromised',
      'the old key may be in other hands: every workload renews at once, nobody who is away is waited for, then the old key is revoked. Also hastens a rotation under way',
    )
    .addOption(
      new Option(
        '--waive <name>',
        'do not wait for this workload (namespace/name) or SPIFFE ID; may be repeated, also while a rotation is under way',
      )
        .argParser((name: string, before: readonly string[]) => [...before, name])
        .default([] as readonly string[], 'nobody'),
    )
    .option(
      '--renew-within <duration>',
      'how long workloads may take to renew what the old key has signed (default: 10m)',
    )
    .option('--wait', 'return when it is done')
    .addOption(
      new Option(
        '--abort',
        'give up the rotation under way, which works until the new key signs',
      ).conflicts(['root', 'compromised', 'waive', 'renewWithin', 'wait']),
    )
    .addOption(outputOption())
    .action(async (options: RotateOptions) => {
      const begun = await askPlane<RotationStatus>(options, callOf(options));
      const status = options.wait ? await untilDone(options, begun) : begun;
      print(options.output ?? 'text', status, caStatusText);
    });
  return withExamples(
    withAccess(command),
    'hauberk ca rotate',
    'hauberk ca rotate --root --wait',
    'hauberk ca rotate --root --compromised --waive shop/reviews-1',
    'hauberk ca rotate --abort',
  );
}

function callOf(options: RotateOptions) {
  if (options.abort) return { method: 'POST', path: '/v1/ca/abort' } as const;
  const { root = false, compromised = false, waive, renewWithin } = options;
  const role = root ? 'root' : 'intermediate';
  const body = { role, compromised, waive, renewWithin };
  return { method: 'POST', path: '/v1/ca/rotate', body } as const;
}

async function untilDone(options: CommonOptions, begun: RotationStatus): Promise<RotationStatus> {
  const progress = progressOn(process.stderr);
  let shown = '';
  try {
    for (let status = begun; ; ) {
      if (status.rotation.phase === 'steady') return status;
      const text = waitingText(status.rotation);
      if (text !== shown) progress.show(text);
      shown = text;
      await delay(POLL_MS);
      status = await askPlane<RotationStatus>(options, { method: 'GET', path: '/v1/ca/status' });
    }
  } finally {
    progress.clear();
  }
}
