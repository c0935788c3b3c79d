import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';

const module = new URL('./forbid-dumps.ts', import.meta.url).href;
const koffi = import.meta.resolve('koffi');
const PR_GET_DUMPABLE = 3;

/** What a process says that has called it, or not, and then asked the kernel whether it may be dumped. */
async function dumpable(call: string): Promise<string> {
  const script = `
    import { load } from ${JSON.stringify(koffi)};
    import { forbidDumps } from ${JSON.stringify(module)};
    const prctl = load(null).func('int prctl(int option, unsigned long a)');
    ${call}
    console.log(prctl(${PR_GET_DUMPABLE}, 0));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks = await child.stdout.toArray();
  return Buffer.concat(chunks).toString().trim();
}

it('lets nobody dump or trace the process any more', async () => {
  expect(await dumpable('')).toBe('1');
  expect(await dumpable('forbidDumps();')).toBe('0');
});
