import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { ProcessGroup } from '../../../src/app/demo/process-group.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';
import { eventually } from '../../kit/eventually.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { type Kubectl, kubectlWith } from '../../kit/kubectl.ts';
import { peer } from '../../kit/peer.ts';
import { type SidecarProcess, sidecarProcess } from '../../kit/sidecar-process.ts';

const POD = 'logs -n shop reviews-1';

peer('kubectl', (path) => {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-logs-'));
  const group = new ProcessGroup(directory);
  let plane: ControlPlaneRig;
  let kubectl: Kubectl;
  let sidecar: SidecarProcess;

  beforeAll(async () => {
    plane = await controlPlaneRig();
    kubectl = kubectlWith(path, plane.kubeconfig);
    await plane.apply(SHOP);
    const [hbonePort = 0] = await freePorts(1);
    sidecar = await sidecarProcess({
      ...{ group, plane, directory, name: 'reviews', hbonePort, args: [] },
    });
  });
  beforeEach(() => onTestFailed(() => console.error(plane.requests())));
  afterAll(async () => {
    kubectl.close();
    await group.stop();
    await plane.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function run(args: string): Promise<{ readonly code: number; readonly text: string }> {
    const { code, stdout, stderr } = await kubectl.run(args);
    return { code, text: stdout + stderr };
  }

  async function good(args: string): Promise<string> {
    const { code, text } = await run(args);
    expect(code, `kubectl ${args}\n${text}`).toBe(0);
    return text;
  }

  it('reads the log of a workload’s sidecar where that keeps it', async () => {
    expect(await good(POD)).toContain('certificate received');
    expect((await good(`${POD} --tail=1`)).trim().split('\n')).toHaveLength(1);
    expect(await good(`${POD} --tail=1 --timestamps`)).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z \{/);
    expect(await good(`${POD} -c istio-proxy --since=1h`)).toContain('sidecar ready');
    expect(await good(`${POD} --since-time=2999-01-01T00:00:00Z`)).toBe('');
    expect(await good('logs -n shop -l app=reviews --prefix')).toContain(
      '[pod/reviews-1/istio-proxy]',
    );
  });

  it('reads the control plane’s own by label, name and Deployment', async () => {
    expect(await good('logs -n istio-system -l app=istiod')).toContain('"event":');
    expect(await good('logs -n istio-system deploy/istiod --tail=1')).toContain('"event":');
    expect(await good('logs -n istio-system istiod-0 --since-time=2999-01-01T00:00:00Z')).toBe('');
  });

  it('refuses what there is not, with the reason', async () => {
    expect((await run(`${POD} --previous`)).text).toContain(
      'previous terminated container in pod "reviews-1" not found',
    );
    expect((await run(`${POD} -c app`)).text).toContain('container app is not valid');
    expect((await run('logs -n shop nobody')).text).toContain('pods "nobody" not found');
  });

  it('follows a log, and says when nobody is there who has it', async () => {
    const following = kubectl.start(`${POD} -f --tail=0`);
    const own = kubectl.start('logs -n istio-system -l app=istiod -f --tail=0');
    // One renewal after the other: what came before they follow is not shown.
    let lifetimeH = 1;
    await eventually('the line of a renewal, and the record of one', async () => {
      lifetimeH += 1;
      const annotations = { 'security.hauberk.dev/svid-lifetime': `${lifetimeH}h` };
      const body = JSON.stringify({ metadata: { annotations } });
      await good(`patch sa reviews -n shop --type=merge -p '${body}'`);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const renewed = following.output().includes('certificate received');
      return renewed && own.output().includes('certificate.issue');
    });
    await own.stop();
    await sidecar.kill();
    await following.stop();
    await eventually('it is known to be away', async () => {
      const { code, text } = await run(POD);
      return code === 1 && text.includes('not connected');
    });
  });
});
