import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';
import { enrolled, enrolledWith } from '../../kit/enrolled.ts';
import { type Kubectl, kubectlWith } from '../../kit/kubectl.ts';
import { peer } from '../../kit/peer.ts';

peer('kubectl', (path) => {
  let plane: ControlPlaneRig;
  let kubectl: Kubectl;

  beforeAll(async () => {
    plane = await controlPlaneRig();
    kubectl = kubectlWith(path, plane.kubeconfig);
    await plane.apply(SHOP);
    await enrolled(plane, 'reviews');
  });
  beforeEach(() => onTestFailed(() => console.error(plane.requests())));
  afterAll(async () => {
    kubectl.close();
    await plane.close();
  });

  /** Runs it until its output has `text`: events are written once a second. */
  async function showing(args: string, text: string): Promise<string> {
    const deadlineMs = Date.now() + 20_000;
    for (;;) {
      const { code, stdout, stderr } = await kubectl.run(args);
      if (code === 0 && stdout.includes(text)) return stdout;
      if (Date.now() > deadlineMs) throw new Error(`kubectl ${args}\n${stdout}${stderr}`);
    }
  }

  it('shows what happened to an object, to all of a namespace, and of one reason', async () => {
    await showing('events -n shop --for sa/reviews', 'CertificateIssued');
    await showing('get events -n shop', 'serviceaccount/reviews');
    await showing('get events -A --field-selector reason=CertificateIssued', 'reviews');
    expect(await showing('describe sa reviews -n shop', 'CertificateIssued')).toContain(
      'hauberk.dev/signing',
    );
  });

  it('tells of who was refused', async () => {
    const token = await plane.createToken('shop', 'products');
    await enrolledWith(plane, token);
    await expect(enrolledWith(plane, token)).rejects.toThrow();
    await showing('get events -A', 'CertificateRefused');
  });
});
