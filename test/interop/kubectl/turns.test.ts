import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';
import { hauberk } from '../../kit/hauberk.ts';
import { type Kubectl, kubectlWith } from '../../kit/kubectl.ts';
import { peer } from '../../kit/peer.ts';

const manifest = (mode: string, ports: string): string => `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop, annotations: { note: "a <b> & c" } }
spec: { selector: { app: web }, ports: [${ports}] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: web, namespace: shop }
spec: { mtls: { mode: ${mode} }, selector: { matchLabels: { app: web } } }
`;
const BOTH = '{ name: http, port: 80 }, { name: tls, port: 443 }';

peer('kubectl', (path) => {
  let plane: ControlPlaneRig;
  let kubectl: Kubectl;

  beforeAll(async () => {
    plane = await controlPlaneRig();
    kubectl = kubectlWith(path, plane.kubeconfig);
    await plane.apply(SHOP);
  });
  afterAll(async () => {
    kubectl.close();
    await plane.close();
  });

  const byKubectl = async (stdin: string, flags = '') => {
    const { stdout, stderr, code } = await kubectl.run(`apply ${flags} -f -`, { stdin });
    expect(code, stderr).toBe(0);
    return stdout.replaceAll('.security.istio.io', '').trim().split('\n');
  };
  const byHauberk = async (stdin: string, ...flags: readonly string[]) => {
    const env = { KUBECONFIG: plane.kubeconfig };
    const { stdout, stderr, code } = await hauberk(['apply', ...flags, '-f', '-'], { stdin, env });
    expect(code, stderr).toBe(0);
    return stdout.replaceAll('.security.istio.io', '').trim().split('\n');
  };
  const did = (what: string) => [`service/web ${what}`, `peerauthentication/web ${what}`];

  it('and hauberk take turns at applying one file', async () => {
    expect(await byHauberk(manifest('STRICT', BOTH))).toEqual(did('created'));
    expect(await byKubectl(manifest('STRICT', BOTH))).toEqual(did('unchanged'));
    expect(await byKubectl(manifest('DISABLE', '{ name: http, port: 80 }'))).toEqual(
      did('configured'),
    );
    expect(await byHauberk(manifest('DISABLE', '{ name: http, port: 80 }'))).toEqual(
      did('unchanged'),
    );
    expect(await byHauberk(manifest('STRICT', BOTH))).toEqual(did('configured'));
    expect(await byKubectl(manifest('STRICT', BOTH))).toEqual(did('unchanged'));
    const { stdout } = await kubectl.run('get svc web -n shop -o jsonpath={.spec.ports[*].port}');
    expect(stdout).toBe('80 443');
  });

  it('and hauberk stay one owner when they move to server-side apply', async () => {
    const lasting = manifest('PERMISSIVE', BOTH);
    expect(await byKubectl(lasting, '--server-side')).toEqual(did('serverside-applied'));
    const changed = manifest('DISABLE', '{ name: http, port: 80 }');
    expect(await byHauberk(changed, '--server-side')).toEqual(did('serverside-applied'));
    const { stdout } = await kubectl.run('get svc web -n shop -o jsonpath={.spec.ports[*].port}');
    expect(stdout).toBe('80');
    expect(await byKubectl(lasting, '--server-side')).toEqual(did('serverside-applied'));
  });

  it('hauberk moves what was applied client-side, so that fields can go', async () => {
    const moving = (data: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: moving, namespace: shop }\ndata: { ${data} }\n`;
    await kubectl.run('apply -f -', { stdin: moving('a: one, b: two') });
    await byHauberk(moving('a: one'), '--server-side');
    const { stdout } = await kubectl.run('get cm moving -n shop -o jsonpath={.data}');
    expect(stdout).toBe('{"a":"one"}');
  });
});
