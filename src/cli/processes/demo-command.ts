import { Command } from 'commander';
import type { LiveSample } from '../../app/demo/live-view.ts';
import type { Stage } from '../../app/demo/stage.ts';
import type { StepResult } from '../../app/demo/step.ts';
import { formatDuration } from '../../lib/duration.ts';
import { outputOption, withExamples } from '../options.ts';
import { type OutputFormat, table } from '../output.ts';
import { progressOn } from '../progress.ts';
import { type Style, styleFor } from '../style.ts';
import { untilStopped } from '../until-stopped.ts';

interface DemoOptions {
  readonly once?: boolean;
  readonly output: OutputFormat;
}

/** `hauberk demo`: the whole mesh on this machine, step by step, each step checked. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description(
      'start a mesh of three services on this machine and show, step by step, what it does',
    )
    .option('--once', 'end after the steps: 0 when all held, 1 when not')
    .addOption(outputOption())
    .action(run);
  return withExamples(command, 'hauberk demo', 'hauberk demo --once -o json');
}

async function run({ once, output }: DemoOptions): Promise<void> {
  const { runDemo } = await import('../../app/demo/demo.ts');
  const { watchLive } = await import('../../app/demo/live-view.ts');
  const style = styleFor(process.stdout);
  const progress = progressOn(process.stderr);
  const say = (text: string): void => {
    progress.clear();
    if (output === 'text') process.stdout.write(`${text}\n`);
  };
  const startMs = performance.now();
  say('starting a control plane, three services and their sidecars');
  progress.show('starting');
  await untilStopped(async (signal) => {
    const { stage, results } = await runDemo(childEnvironment(), signal, {
      started: (mesh) => say(started(mesh, performance.now() - startMs)),
      stepStarting: (title, number) => progress.show(`${number}. ${title}`),
      stepEnded: (result, number) => say(stepText(result, number, style)),
    });
    try {
      const failed = results.filter(({ passed }) => !passed);
      const tookMs = Math.round(performance.now() - startMs);
      if (output === 'json') {
        const value = { passed: failed.length === 0, tookMs, steps: results };
        process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
      }
      say(summary(results.length, failed.length, tookMs, style));
      if (failed.length > 0) process.exitCode = 1;
      if (once !== true && output === 'text') {
        say(whatNext(stage));
        await watchLive(stage, signal, (sample) => showLive(sample));
      }
    } finally {
      if (once !== true) say('stopping');
      progress.show('stopping');
      await stage.close();
      progress.clear();
    }
  });
}

/** What the children need of our environment and no more: nothing of it reaches logs or statuses. */
function childEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
}

function started(stage: Stage, tookMs: number): string {
  const rows = Object.entries(stage.ports.services).map(([name, { app, inbound, hbone }]) => [
    name,
    `127.0.0.1:${app}`,
    `127.0.0.1:${inbound}`,
    `127.0.0.1:${hbone}`,
  ]);
  const ports = table(['SERVICE', 'PROGRAM', 'SIDECAR INBOUND', 'SIDECAR HBONE'], rows);
  return `up after ${(tookMs / 1_000).toFixed(1)} s, control plane on 127.0.0.1:${stage.ports.xds}, files in ${stage.directory}\nkubectl:  export KUBECONFIG=${stage.kubeconfig}\n\n${ports}\n`;
}

function stepText(result: StepResult, number: number, style: Style): string {
  const verdict = result.passed ? style.good('ok') : style.bad('FAILED');
  const lines = [
    `${style.strong(`${number}. ${result.title}`)}  ${verdict} (${result.checks.length} checks, ${(result.tookMs / 1_000).toFixed(1)} s)`,
    ...result.evidence.map((line) => `   ${line}`),
    ...result.checks
      .filter(({ passed }) => !passed)
      .map(({ what, seen }) => `   ${style.bad('not so:')} ${what}; seen: ${seen}`),
  ];
  return `${lines.join('\n')}\n`;
}

function summary(steps: number, failed: number, tookMs: number, style: Style): string {
  const took = `${(tookMs / 1_000).toFixed(1)} s`;
  return failed === 0
    ? style.good(`all ${steps} steps held, in ${took}`)
    : style.bad(`${failed} of ${steps} steps failed, in ${took}`);
}

function whatNext(stage: Stage): string {
  const { frontend, reviews } = stage.ports.services;
  return `
the mesh stays up until Ctrl-C. Try in another terminal:
  curl http://127.0.0.1:${frontend.app}/
  curl http://127.0.0.1:${frontend.outbound.reviews}/reviews          # refused: only products may
  export KUBECONFIG=${stage.kubeconfig}
  kubectl get authorizationpolicies -n shop                  # or bin/hauberk get
  bin/hauberk describe authorizationpolicy reviews-callers -n shop
  bin/hauberk delete authorizationpolicy reviews-callers -n shop
  curl http://127.0.0.1:${reviews.inbound}/                 # plaintext: refused by STRICT
  tail -f ${stage.directory}/logs/reviews-sidecar.log
`;
}

let drawn = 0;

function showLive({ requestsPerSecond, failures, rows }: LiveSample): void {
  const cells = rows.map((row) => [
    row.workload,
    String(row.connections),
    String(row.opened),
    String(row.denied),
    formatDuration(row.certificateAgeMs),
    formatDuration(row.expiresInMs),
    row.controlPlane,
  ]);
  const headings = [
    'WORKLOAD',
    'OPEN',
    'OPENED',
    'DENIED',
    'CERT AGE',
    'EXPIRES IN',
    'CONTROL PLANE',
  ];
  const text = `${requestsPerSecond.toFixed(0)} requests/s, ${failures} failed\n${table(headings, cells)}\n`;
  // Drawn over the last one on a terminal; elsewhere one sample a minute is enough.
  if (process.stdout.isTTY && drawn > 0)
    process.stdout.write(`\x1b[${text.split('\n').length - 1}A\x1b[0J`);
  if (process.stdout.isTTY || drawn % 60 === 0) process.stdout.write(text);
  drawn += 1;
}
