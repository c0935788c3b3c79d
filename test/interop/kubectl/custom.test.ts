import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig } from '../../kit/control-plane-rig.ts';
import { type Kubectl, kubectlWith } from '../../kit/kubectl.ts';
import { peer } from '../../kit/peer.ts';

const CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: kites.example.org }
spec:
  group: example.org
  scope: Namespaced
  names: { plural: kites, kind: Kite, shortNames: [kt], categories: [toys] }
  versions:
  - name: v1
    served: true
    storage: true
    subresources: { status: {}, scale: { specReplicasPath: .spec.tails, statusReplicasPath: .status.tails } }
    additionalPrinterColumns: [{ name: Color, type: string, jsonPath: .spec.color }]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: How it looks.
            x-kubernetes-validations: [{ rule: "!has(self.tails) || self.tails < 100", message: too many tails }]
            properties:
              color: { type: string, default: red, pattern: '^(?i)(red|blue)$' }
              tails: { type: integer, minimum: 0 }
          status: { type: object, x-kubernetes-preserve-unknown-fields: true }
`;
const KITE = (spec = '{}'): string => `
apiVersion: example.org/v1
kind: Kite
metadata: { name: one, namespace: default }
spec: ${spec}
`;

peer('kubectl', (path) => {
  let plane: ControlPlaneRig;
  let kubectl: Kubectl;

  beforeAll(async () => {
    plane = await controlPlaneRig();
    kubectl = kubectlWith(path, plane.kubeconfig);
  });
  beforeEach(() => onTestFailed(() => console.error(plane.requests())));
  afterAll(async () => {
    kubectl.close();
    await plane.close();
  });

  async function run(args: string, stdin = ''): Promise<{ code: number; text: string }> {
    const { code, stdout, stderr } = await kubectl.run(args, { stdin });
    return { code, text: stdout + stderr };
  }

  async function good(args: string, stdin = ''): Promise<string> {
    const { code, text } = await run(args, stdin);
    expect(code, `kubectl ${args}\n${text}`).toBe(0);
    return text;
  }

  it('defines a kind and waits for it', async () => {
    const early = await run('apply -f -', KITE());
    expect(early.text).toContain('ensure CRDs are installed first');
    await good('apply -f -', CRD);
    await good('wait --for condition=Established crd/kites.example.org --timeout=30s');
    expect(await good('get crd')).toContain('kites.example.org');
    expect(await good('api-resources --api-group example.org')).toMatch(
      /kites +kt +example\.org\/v1 +true +Kite/,
    );
    expect(await good('explain kite.spec')).toContain('How it looks.');
    expect(await good('describe crd kites.example.org')).toContain('Established');
  });

  it('writes and reads what is of it like anything else', async () => {
    expect(await good('apply -f -', KITE())).toContain('one created');
    expect(await good('apply -f -', KITE('{ color: Blue }'))).toContain('one configured');
    expect(await good('apply -f -', KITE('{ color: Blue }'))).toContain('one unchanged');
    expect(await good('get kt')).toMatch(/NAME +COLOR\s+one +Blue/);
    expect(await good('get toys -A')).toContain('one');
    expect((await run('apply -f -', KITE('{ color: green }'))).text).toContain('spec.color');
    expect((await run('apply -f -', KITE('{ colour: red }'))).text).toContain(
      'unknown field "spec.colour"',
    );
    expect((await run('apply -f -', KITE('{ tails: 100 }'))).text).toContain('too many tails');
    expect(
      await good('apply --server-side --force-conflicts -f -', KITE('{ tails: 2 }')),
    ).toContain('serverside-applied');
    expect(await good('diff -f -', KITE('{ tails: 2, color: red }'))).toBe('');
    await good('label kite one a=b');
    expect(await good('describe kite one')).toContain('Tails');
  });

  it('scales what can be scaled', async () => {
    expect(await good('scale kite one --replicas 5')).toContain('one scaled');
    expect(await good('get kite one -o jsonpath={.spec.tails}')).toBe('5');
    expect(await good('scale kite one --current-replicas 5 --replicas 6')).toContain('one scaled');
    const many = await run('scale kite one --replicas 200');
    expect(many.text).toContain('too many tails');
  });

  it('is refused what is built in, and takes all of a kind along when it goes', async () => {
    const builtIn = CRD.replaceAll('kites', 'gateways')
      .replaceAll('example.org', 'networking.istio.io')
      .replace('Kite', 'Gateway');
    expect((await run('apply -f -', builtIn)).text).toContain('is built in, with its own schema');
    expect(await good('delete crd kites.example.org')).toContain('deleted');
    expect((await run('get kites')).text).toContain('could not find the requested resource');
  });
});
