import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StepResult } from '../../src/app/demo/step.ts';
import { allSteps } from '../../src/app/demo/steps/all-steps.ts';
import { hauberk } from '../kit/hauberk.ts';

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));
const LONGEST_MS = 120_000;

interface Demo {
  readonly child: ChildProcess;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

function startDemo(...flags: readonly string[]): Demo {
  const child = spawn(process.execPath, [binary, 'demo', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Awaited<Demo['ended']>>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  );
  return { child, ended };
}

/** The processes that have `directory` on their command line. */
function processesOf(directory: string): readonly string[] {
  return globSync('/proc/[0-9]*/cmdline').filter((file) => {
    try {
      return readFileSync(file, 'utf8').includes(directory);
    } catch {
      return false;
    }
  });
}

describe('hauberk demo --once -o json', () => {
  let outcome: Awaited<Demo['ended']>;
  let steps: readonly StepResult[] = [];

  beforeAll(async () => {
    outcome = await startDemo('--once', '-o', 'json').ended;
    steps = outcome.stdout === '' ? [] : (JSON.parse(outcome.stdout).steps as StepResult[]);
  }, LONGEST_MS);

  it('ends well, in under a minute, with nothing but JSON on standard output', () => {
    expect(outcome.stderr).toBe('');
    expect(outcome.code).toBe(0);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ passed: true });
    expect(JSON.parse(outcome.stdout).tookMs).toBeLessThan(60_000);
  });

  it.each(allSteps.map(({ title, id }) => [title, id]))('%s', (_title, id) => {
    const step = steps.find((result) => result.id === id);
    expect(step?.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(step?.checks.length).toBeGreaterThan(3);
    expect(step?.evidence.length).toBeGreaterThan(0);
    expect(step?.passed).toBe(true);
  });
});

describe('hauberk demo, stopped with Ctrl-C', () => {
  it(
    'leaves nothing running and nothing lying about',
    async () => {
      const { child, ended } = startDemo();
      const [directory, kubeconfig] = await new Promise<readonly [string, string]>((resolve) => {
        let text = '';
        child.stdout?.on('data', (chunk) => {
          text += chunk;
          const [, found, config] = /files in (\S+)\n.*export KUBECONFIG=(\S+)/.exec(text) ?? [];
          if (found !== undefined && config !== undefined) resolve([found, config]);
        });
      });
      expect(processesOf(directory).length).toBeGreaterThan(3);
      const got = await hauberk(['get', 'ns', '-o', 'name'], { env: { KUBECONFIG: kubeconfig } });
      expect(got).toMatchObject({ code: 0, stdout: expect.stringContaining('namespace/shop') });
      child.kill('SIGINT');
      await ended;
      expect(processesOf(directory)).toEqual([]);
      expect(existsSync(directory)).toBe(false);
    },
    LONGEST_MS,
  );
});
