import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ProgramSpec, startProgram } from './start-program.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-program-'));
const out = join(directory, 'out');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function spec(command: string, over: Partial<ProgramSpec> = {}): ProgramSpec {
  return {
    argv: ['/bin/sh', '-c', command],
    ...{ uid: undefined, gid: undefined, cgroup: undefined },
    env: {
      PATH: '/usr/bin:/bin',
      HAUBERK_TOKEN: 'secret',
      HAUBERK_MASTER_KEY: 'secret',
      OTHER: 'kept',
    },
    extraEnv: { SPIFFE_ENDPOINT_SOCKET: 'unix:///x' },
    ...over,
  };
}

describe('a program with a sidecar', () => {
  it('ends with its own exit code, or 128 and the number of a signal', async () => {
    expect(await (await startProgram(spec('exit 7'))).exited).toBe(7);
    expect(await (await startProgram(spec('kill -TERM $$'))).exited).toBe(143);
  });

  it('gets the environment and what is added, and none of our secrets', async () => {
    await (await startProgram(spec(`env > ${out}`))).exited;
    const env = readFileSync(out, 'utf8');
    expect(env).toContain('OTHER=kept');
    expect(env).toContain('SPIFFE_ENDPOINT_SOCKET=unix:///x');
    expect(env).not.toMatch(/HAUBERK|secret/);
  });

  it('is sent signals', async () => {
    const program = await startProgram(spec('trap "exit 9" HUP; while :; do sleep 0.05; done'));
    const again = setInterval(() => program.kill('SIGHUP'), 50);
    expect([9, 129]).toContain(await program.exited);
    clearInterval(again);
  });

  it('that is not there is an error and no exit code', async () => {
    await expect(startProgram(spec('', { argv: ['/no/such/program'] }))).rejects.toMatchObject({
      code: 'ERR_USAGE',
    });
  });

  it('starts only when it has been put where it belongs', async () => {
    // A directory in the place of a cgroup shows what is written there, and when.
    const argv = ['/bin/sh', '-c', `cat ${directory}/cgroup.procs > ${out}; echo $$ >> ${out}`];
    await (await startProgram(spec('', { argv, cgroup: directory }))).exited;
    const [written, own] = readFileSync(out, 'utf8').split(/\s+/);
    // `cat` adds no line end of its own: the two numbers stand one after the other.
    expect(`${written}${own ?? ''}`).toMatch(/^(\d+)\1$/);
  });
});
