import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig } from '../../kit/control-plane-rig.ts';
import { eventually } from '../../kit/eventually.ts';
import { type Kubectl, kubectlWith } from '../../kit/kubectl.ts';
import { peer } from '../../kit/peer.ts';

const SETUP = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: web, namespace: shop }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: shop }
data: { a: b }
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: web-1, namespace: shop }
spec: { address: 10.0.0.1, serviceAccount: web, labels: { app: web } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web.shop.svc.cluster.local, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }
`;

peer('kubectl', (path) => {
  let plane: ControlPlaneRig;
  let kubectl: Kubectl;

  beforeAll(async () => {
    plane = await controlPlaneRig();
    kubectl = kubectlWith(path, plane.kubeconfig);
    await good('apply -f -', SETUP);
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

  it.each([
    ['cluster-info', 'is running at'],
    ['get --raw /version', '"gitVersion"'],
    ['get --raw /openid/v1/jwks', '"keys"'],
    ['get svc -n shop -o wide', 'SELECTOR'],
    ['get svc -n shop --show-labels', 'app=web'],
    ['get svc -A --field-selector metadata.name=web', 'web'],
    ['get svc -A --sort-by=.metadata.name', 'web'],
    ['get svc -A --chunk-size=1', 'web'],
    ['get svc web -n shop -o name', 'service/web'],
    ['get svc -n shop -o custom-columns=N:.metadata.name,P:.spec.ports[0].port', 'web   80'],
    ['get svc,cm,dr -n shop', 'configmap/settings'],
    ['get istio-io -n shop', 'destinationrule.networking.istio.io/web'],
    ['get all -n shop', 'service/web'],
    ['get pods -n shop -l app=web', 'web-1'],
    ['get deploy -n istio-system', 'istiod'],
    ['get ep,endpointslices -A', 'No resources found'],
    ['describe ns shop', 'Active'],
    ['describe sa web -n shop', 'web'],
    ['describe cm settings -n shop', 'a:'],
    ['describe pod web-1 -n shop', 'istio-proxy'],
    ['describe svc web -n shop', 'Selector'],
    ['describe dr web -n shop', 'ISTIO_MUTUAL'],
    ['describe secret -n istio-system istio-ca-secret', 'bytes'],
    ['events -n shop', ''],
    ['explain dr.spec.trafficPolicy --recursive', 'cipherSuites'],
    ['explain crd.spec.names', 'plural'],
    ['auth can-i create pods/exec', 'yes'],
    ['auth can-i --list -n shop', 'customresourcedefinitions'],
    ['rollout status deploy/istiod -n istio-system', 'successfully rolled out'],
    ['api-resources --categories=istio-io', 'DestinationRule'],
    ['api-resources --namespaced=false', 'CustomResourceDefinition'],
  ])('answers `kubectl %s`', async (args, expected) => {
    const as = args.startsWith('auth can-i --list') ? `${args} --as joe` : args;
    expect(await good(as)).toContain(expected);
  });

  it.each([
    ['scale deploy istiod -n istio-system --replicas 2', 'restart it where it runs'],
    ['rollout restart deploy/istiod -n istio-system', 'restart it where it runs'],
    ['rollout undo deploy/istiod -n istio-system', 'could not find the requested resource'],
    ['set image deploy/istiod -n istio-system discovery=x', 'restart it where it runs'],
    ['delete pod web-1 -n shop', 'start and stop a workload where it runs'],
    ['top pods -n shop', 'Metrics API not available'],
    ['exec web-1 -n shop -- ls', 'log in to its machine and run the command there'],
    ['attach web-1 -n shop', 'its output is in `kubectl logs`'],
    ['port-forward web-1 -n shop 18080:80', 'dial it through the mesh'],
    ['autoscale deploy istiod -n istio-system --max 2', 'could not find the requested resource'],
  ])('refuses `kubectl %s`, and says what to do instead', async (args, expected) => {
    const { code, text } = await run(args);
    expect([code === 0, text]).toEqual([false, expect.stringContaining(expected)]);
  });

  it('replaces by force, and deletes at once what is held back by nobody', async () => {
    const config =
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: forced, namespace: shop }\ndata: { a: b }\n';
    await good('create -f -', config);
    const uid = await good('get cm forced -n shop -o jsonpath={.metadata.uid}');
    const file = join(plane.dataDir, 'forced.yaml');
    writeFileSync(file, config.replace('a: b', 'a: c'));
    expect(await good(`replace --force -f ${file}`)).toContain('replaced');
    expect(await good('get cm forced -n shop -o jsonpath={.metadata.uid}')).not.toBe(uid);
    await good('delete cm forced -n shop --grace-period=0 --force');
  });

  it('waits for what is to come, for a value, and for what goes', async () => {
    const waiting = run('wait --for=create cm/late -n shop --timeout=30s');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await good('create cm late -n shop --from-literal=a=b');
    expect((await waiting).code).toBe(0);
    await good('wait --for=jsonpath={.data.a}=b cm/late -n shop --timeout=30s');
    await good('wait --for=condition=Ready pod/web-1 -n shop --timeout=30s');
    const patch = '{"metadata":{"finalizers":["example.org/held"]}}';
    await good(`patch cm late -n shop --type=merge -p '${patch}'`);
    await good('delete cm late -n shop --wait=false');
    const gone = run('wait --for=delete cm/late -n shop --timeout=30s');
    await good(
      `patch cm late -n shop --type=json -p '[{"op":"remove","path":"/metadata/finalizers"}]'`,
    );
    expect((await gone).code).toBe(0);
  });

  it('shows causes in the editor, which opens again', async () => {
    const edit = await kubectl.run('edit dr web -n shop', {
      env: { EDITOR: "sed -i 's/ISTIO_MUTUAL/NONSENSE/'" },
    });
    expect(edit.code).not.toBe(0);
    expect(edit.stdout + edit.stderr).toContain('Edit cancelled');
  });

  it('makes what its generators send as protobuf', async () => {
    await good('create role reader -n shop --verb=get --resource=services');
    await good('create clusterrole reader --verb=get --resource=services');
    await good('create rolebinding reader -n shop --role=reader --serviceaccount=shop:web');
    await good('create clusterrolebinding reader --clusterrole=reader --user=joe');
    await good('create configmap made -n shop --from-literal=a=b');
    await good(
      'create secret docker-registry pull -n shop --docker-username=a --docker-password=b',
    );
    expect(
      await good('auth can-i get services -n shop --as system:serviceaccount:shop:web'),
    ).toContain('yes');
    const deployment = await run('create deployment x -n shop --image=x');
    expect(deployment.text).toContain('Deployment objects are written by the mesh');
  });

  it('binds tokens to Secrets and Pods', async () => {
    await good('create secret generic bound -n shop');
    const bind = 'create token web -n shop --bound-object-kind';
    const token = (await good(`${bind} Secret --bound-object-name bound`)).trim();
    const review = {
      ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    };
    const reviewed = () => good('create -f - -o jsonpath={.status}', JSON.stringify(review));
    expect(await reviewed()).toContain('"authenticated":true');
    await good('delete secret bound -n shop');
    expect(await reviewed()).toContain('"authenticated":false');
    expect(await good(`${bind} Pod --bound-object-name web-1`)).toMatch(/^ey/);
    expect((await run(`${bind} Pod --bound-object-name nobody`)).text).toContain(
      '"nobody" not found',
    );
    const other = await run(`${bind} Secret --bound-object-name web-1 --bound-object-uid x`);
    expect(other.code).not.toBe(0);
    const default_ = await run(
      'create token default -n shop --bound-object-kind Pod --bound-object-name web-1',
    );
    expect(default_.text).toContain('different serviceaccount name');
  });

  it('watches several things as they change', async () => {
    const watch = kubectl.start('get cm -n shop -w');
    await eventually('the list', () => watch.output().includes('settings'));
    await good('label cm settings -n shop live=yes');
    await eventually('the change', () => watch.output().split('settings').length > 2);
    await watch.stop();
  });
});
