import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';
import { type Kubectl, kubectlWith } from '../../kit/kubectl.ts';
import { peer } from '../../kit/peer.ts';

peer('kubectl', (path) => {
  let plane: ControlPlaneRig;
  let kubectl: Kubectl;

  beforeAll(async () => {
    plane = await controlPlaneRig();
    kubectl = kubectlWith(path, plane.kubeconfig);
    await plane.apply(SHOP);
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

  it('knows who it is and what it may do', async () => {
    expect(await good('auth whoami')).toMatch(/Username +hauberk-admin/);
    expect(await good("auth can-i '*' '*'")).toContain('yes');
    expect(await good('auth can-i --list')).toMatch(/\*\.\* .*\[\*\]/);
  });

  it('acts as others, with their rights', async () => {
    const refused = await run('get secrets -n shop --as joe');
    expect(refused.text).toContain(
      'secrets is forbidden: User "joe" cannot list resource "secrets" in API group "" in the namespace "shop"',
    );
    await good('create rolebinding joe -n shop --clusterrole view --user joe');
    expect(await good('get pa -n shop --as joe')).toContain('No resources found');
    expect((await run('get secrets -n shop --as joe')).code).toBe(1);
    expect((await run('get pa -A --as joe')).code).toBe(1);
    expect(await good('auth can-i list peerauthentications -n shop --as joe')).toContain('yes');
    expect((await run('auth can-i create peerauthentications -n shop --as joe')).text).toContain(
      'no',
    );
    const nested = await run('get pa -n shop --as joe --as-group system:masters');
    expect(nested.code).toBe(0);
  });

  it('gives nobody rights that the giver has not', async () => {
    await good(
      'create clusterrole role-maker --verb create,update,patch --resource roles,rolebindings',
    );
    await good('create rolebinding maker -n shop --clusterrole role-maker --user maker');
    const role = await run('create role r -n shop --verb get --resource secrets --as maker');
    expect(role.text).toContain('is attempting to grant RBAC permissions not currently held');
    const binding = await run(
      'create rolebinding b -n shop --clusterrole cluster-admin --user maker --as maker',
    );
    expect(binding.text).toContain('is attempting to grant RBAC permissions not currently held');
    await good('create rolebinding self -n shop --clusterrole view --user maker');
    await good('create role fine -n shop --verb get --resource services --as maker');
  });

  it('makes tokens of service accounts that open the API', async () => {
    const token = (await good('create token reviews -n shop --duration 10m')).trim();
    expect(token.split('.')).toHaveLength(3);
    const { kubeconfig } = plane;
    const asToken = (args: string) =>
      run(
        `${args} --token ${token} --kubeconfig ${kubeconfig}.ca --server https://127.0.0.1:${plane.apiPort}`,
      );
    const view = await good(
      'config view --raw -o jsonpath={.clusters[0].cluster.certificate-authority-data}',
    );
    const { writeFileSync } = await import('node:fs');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'c', cluster: { server: 'https://x', 'certificate-authority-data': view } },
      ],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: {} }],
      'current-context': 'c',
    };
    writeFileSync(`${kubeconfig}.ca`, JSON.stringify(config), { mode: 0o600 });
    expect((await asToken('auth whoami')).text).toContain('system:serviceaccount:shop:reviews');
    expect((await asToken('get services -n shop')).text).toContain(
      'cannot list resource "services"',
    );
    await good(
      'create rolebinding reviews -n shop --clusterrole view --serviceaccount shop:reviews',
    );
    expect((await asToken('get services -n shop')).code).toBe(0);
    const elsewhere = (await good('create token reviews -n shop --audience vault')).trim();
    const wrong = await run(
      `get services -n shop --token ${elsewhere} --kubeconfig ${kubeconfig}.ca --server https://127.0.0.1:${plane.apiPort}`,
    );
    expect(wrong.text).toContain('You must be logged in to the server');
    await good('delete serviceaccount reviews -n shop');
    expect((await asToken('get services -n shop')).text).toContain('You must be logged in');
  });

  it('does what the articles do', async () => {
    const rule = {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'DestinationRule',
      metadata: { name: 'default', namespace: 'istio-system' },
      spec: { host: '*.local', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } },
    };
    await good('apply -f -', JSON.stringify(rule));
    expect(await good('get destinationrule -A')).toMatch(/istio-system +default +\*\.local/);
    const patch = '[{"op":"replace","path":"/spec/trafficPolicy/tls/mode","value":"DISABLE"}]';
    await good(`patch destinationrule default -n istio-system --type=json -p '${patch}'`);
    expect(await good('get dr default -n istio-system -o yaml')).toContain('mode: DISABLE');
    expect(await good('get certificates -A')).toContain('No resources found');
    await good('create secret generic custom-tls -n istio-system --from-literal=a=b');
    await good('delete secret custom-tls -n istio-system');
    expect(await good('get secret -n istio-system istio-ca-secret -o yaml')).toContain(
      'ca-cert.pem',
    );
    expect(await good('get istio-io -A')).toContain('destinationrule');
    expect(await good('explain dr.spec.trafficPolicy.tls.mode')).toContain('ISTIO_MUTUAL');
    expect(await good('logs -n istio-system -l app=istiod --tail=3')).toMatch(/"event":/);
    expect(await good('logs -n istio-system deploy/istiod --since=1h')).toContain(
      'resource.created',
    );
    expect(await good('get pods -A')).toMatch(/istio-system +istiod-0 +1\/1 +Running/);
    expect(await good('describe pod istiod-0 -n istio-system')).toContain('Running');
    expect(await good('get ns shop')).toContain('Active');
    await good('create configmap settings -n shop --from-literal=a=b');
    await good('get events -n shop');
  });
});
