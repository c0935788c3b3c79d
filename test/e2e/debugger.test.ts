import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { controlPlaneProcess } from '../kit/control-plane-process.ts';
import { freePorts } from '../kit/free-ports.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-usr1-'));
const group = new ProcessGroup(directory);
afterAll(async () => {
  await group.stop();
  rmSync(directory, { recursive: true, force: true });
});

it('a signal does not open a debugger to the keys of the control plane', async () => {
  const [xdsPort = 0] = await freePorts(1);
  const dataDir = join(directory, 'data');
  const plane = await controlPlaneProcess({ group, dataDir, xdsPort });
  plane.process.kill('SIGUSR1');
  // Node says on stderr that its debugger listens, or that it cannot.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(plane.process.log()).not.toMatch(/Debugger listening|Starting inspector/);
  expect(await plane.status()).toMatchObject({ rotation: { phase: 'steady' } });
});
