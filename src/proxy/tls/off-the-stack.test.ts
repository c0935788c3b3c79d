import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(
  new URL('../../../test/kit/reset-after-handshake.ts', import.meta.url),
);

// GNU's C library fills what is freed with these bits: whoever uses it again cannot go on by luck.
const env = { ...process.env, MALLOC_PERTURB_: '165' };

it.each(['accepted', 'originated'])(
  'a connection that is reset as soon as its handshake is done ends no process: %s',
  (which) => {
    const { status, signal, stderr } = spawnSync(process.execPath, [program, which], { env });
    expect({ status, signal, stderr: stderr.toString() }).toEqual({
      ...{ status: 0, signal: null, stderr: '' },
    });
  },
  30_000,
);
