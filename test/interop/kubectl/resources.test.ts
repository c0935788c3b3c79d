import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig } from '../../kit/control-plane-rig.ts';
import { eventually } from '../../kit/eventually.ts';
import { type Kubectl, kubectlWith } from '../../kit/kubectl.ts';
import { peer } from '../../kit/peer.ts';

const PA = (mode: string, name = 'default'): string => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ${name}, namespace: shop }
spec: { mtls: { mode: ${mode} } }
`;

peer('kubectl', (path) => {
  let plane: ControlPlaneRig;
  let kubectl: Kubectl;

  beforeAll(async () => {
    plane = await controlPlaneRig();
    kubectl = kubectlWith(path, plane.kubeconfig);
    await good('create namespace shop');
  });
  beforeEach(() => onTestFailed(() => console.error(plane.requests())));
  afterAll(async () => {
    kubectl.close();
    await plane.close();
  });

  async function good(args: string, stdin = ''): Promise<string> {
    const { code, stdout, stderr } = await kubectl.run(args, { stdin });
    expect(code, `kubectl ${args}\n${stdout}${stderr}`).toBe(0);
    return stdout + stderr;
  }

  async function bad(args: string, stdin = ''): Promise<string> {
    const { code, stdout, stderr } = await kubectl.run(args, { stdin });
    expect(code, `kubectl ${args}\n${stdout}${stderr}`).not.toBe(0);
    return stdout + stderr;
  }

  it('knows the server and what it serves', async () => {
    expect(await good('version')).toMatch(/Server Version: v1\.32/);
    expect(await good('api-versions')).toContain('security.istio.io/v1beta1');
    expect(await good('api-resources --api-group security.istio.io')).toMatch(
      /peerauthentications +pa +security\.istio\.io\/v1 +true +PeerAuthentication/,
    );
    expect(await good('get --raw /healthz')).toBe('ok');
  });

  it('applies, shows what would change, applies again', async () => {
    expect(await good('apply -f -', PA('STRICT'))).toContain('default created');
    expect(await good('apply -f -', PA('STRICT'))).toContain('default unchanged');
    const { code, stdout } = await kubectl.run('diff -f -', { stdin: PA('DISABLE') });
    expect(code).toBe(1);
    expect(stdout).toContain('+    mode: DISABLE');
    expect(await good('apply --dry-run=server -f -', PA('DISABLE'))).toContain('server dry run');
    expect(await good('apply -f -', PA('DISABLE'))).toContain('default configured');
    expect(await good('get pa -n shop')).toMatch(/default +DISABLE/);
    expect(await good('get pa -n shop default -o jsonpath={.spec.mtls.mode}')).toBe('DISABLE');
    expect(await good('get pa -A -o name')).toContain(
      'peerauthentication.security.istio.io/default',
    );
  });

  it('applies on the server, and learns who owns what', async () => {
    await good('apply --server-side -f -', PA('STRICT', 'ssa'));
    const other = await bad('apply --server-side --field-manager=other -f -', PA('DISABLE', 'ssa'));
    expect(other).toContain('conflict with "kubectl": .spec.mtls.mode');
    await good(
      'apply --server-side --field-manager=other --force-conflicts -f -',
      PA('DISABLE', 'ssa'),
    );
    // From applying on the client to applying on the server, which rewrites managedFields.
    await good('apply -f -', PA('STRICT', 'moved'));
    await good('apply --server-side -f -', PA('STRICT', 'moved'));
    expect(await good('get pa moved -n shop -o yaml --show-managed-fields')).toContain(
      'operation: Apply',
    );
  });

  it('is told what is wrong as it expects it', async () => {
    expect(await bad('apply -f -', PA('FOO', 'x'))).toContain(
      'The PeerAuthentication "x" is invalid: spec.mtls.mode: Unsupported value: "FOO": supported values: "UNSET", "DISABLE", "PERMISSIVE", "STRICT"',
    );
    expect(await bad('apply -f -', PA('STRICT', 'x').replace('mtls', 'mtlz'))).toContain(
      'strict decoding error: unknown field "spec.mtlz"',
    );
    expect(
      await good(
        'apply --validate=warn -f -',
        PA('STRICT', 'warned').replace('spec: {', 'spec: { mtlz: 1,'),
      ),
    ).toContain('Warning: unknown field "spec.mtlz"');
    expect(await bad('get pa nope -n shop')).toContain(
      'Error from server (NotFound): peerauthentications.security.istio.io "nope" not found',
    );
    expect(await bad('get nonsense')).toContain("the server doesn't have a resource type");
    expect(await bad('create -f -', PA('STRICT', 'warned'))).toContain('already exists');
    expect(
      await bad('apply -f -', 'apiVersion: x.dev/v1\nkind: Nope\nmetadata: { name: a }\n'),
    ).toContain('ensure CRDs are installed first');
  });

  it('patches in every way that there is', async () => {
    await good('apply -f -', PA('STRICT', 'patched'));
    const json = `[{"op":"replace","path":"/spec/mtls/mode","value":"DISABLE"}]`;
    await good(`patch pa patched -n shop --type=json -p '${json}'`);
    await good(`patch pa patched -n shop --type=merge -p '{"spec":{"mtls":{"mode":"STRICT"}}}'`);
    expect(await bad(`patch pa patched -n shop -p '{"spec":{}}'`)).toContain(
      'application/strategic-merge-patch+json is not supported by security.istio.io/v1',
    );
    await good('label pa patched -n shop a=b');
    await good('annotate pa patched -n shop note=x');
    expect(await good('get pa -n shop -l a=b --show-labels')).toMatch(/patched +STRICT .*a=b/);
    await good('replace -f -', PA('PERMISSIVE', 'patched'));
    const edit = await kubectl.run('edit pa patched -n shop', {
      env: { EDITOR: "sed -i 's/PERMISSIVE/STRICT/'" },
    });
    expect(edit.stdout + edit.stderr).toContain('patched edited');
  });

  it('makes the kinds that it sends as protobuf', async () => {
    await good('create secret generic creds -n shop --from-literal=user=joe');
    await good('create serviceaccount web -n shop');
    await good('create service clusterip web -n shop --tcp=80:8080');
    expect(await good('get secret creds -n shop -o jsonpath={.data.user}')).toBe('am9l');
    expect(await good('get svc web -n shop -o jsonpath={.spec.ports[0].targetPort}')).toBe('8080');
    const service =
      'apiVersion: v1\nkind: Service\nmetadata: { name: api, namespace: shop }\nspec: { selector: { app: web }, ports: [{ name: a, port: 80 }, { name: b, port: 81 }] }\n';
    await good('apply -f -', service);
    await good('apply -f -', service.replace('name: b, port: 81', 'name: b, port: 82'));
    expect(await good('get svc api -n shop -o jsonpath={.spec.ports[*].port}')).toBe('80 82');
    expect(await good('describe svc web -n shop')).toContain('Selector:');
    expect(await good('get secret -n istio-system istio-ca-secret -o yaml')).toContain(
      'ca-cert.pem',
    );
  });

  it('explains from the schemas', async () => {
    expect(await good('explain pa.spec.mtls')).toMatch(/mode\s+<string>\s+enum: UNSET, DISABLE/);
    expect(await good('explain svc.spec --recursive')).toContain('targetPort');
  });

  it('watches, with labels that come and go', async () => {
    const watch = kubectl.start('get pa -n shop --watch --output-watch-events -l live=yes');
    await good(
      'apply -f -',
      PA('STRICT', 'live').replace('namespace:', 'labels: { live: "yes" }, namespace:'),
    );
    await eventually('it to be added', () => /ADDED +live/.test(watch.output()));
    await good('label pa live -n shop --overwrite live=no');
    await eventually('it to go', () => /DELETED +live/.test(watch.output()));
    await watch.stop();
  });

  it('waits for what it is told to', async () => {
    await good('apply -f -', PA('STRICT', 'gone'));
    const waiting = kubectl.run('wait --for=delete pa/gone -n shop --timeout=30s');
    await good('delete pa gone -n shop');
    expect((await waiting).code).toBe(0);
    await good('wait --for=jsonpath={.spec.mtls.mode}=STRICT pa/live -n shop --timeout=30s');
  });

  it('deletes files, selections and a namespace with all that is in it', async () => {
    const file = join(plane.dataDir, 'two.yaml');
    writeFileSync(file, `${PA('STRICT', 'one')}---${PA('STRICT', 'two')}`);
    await good(`create -f ${file}`);
    expect(await good(`delete -f ${file}`)).toContain('"two" deleted');
    await good('delete pa -n shop -l a=b');
    await good('delete ns shop');
    expect(await bad('get ns shop')).toContain('NotFound');
  });

  it('leaves a record of every write', () => {
    const lines = plane.audit().filter(({ actor }) => actor === 'hauberk-admin');
    expect(lines.length).toBeGreaterThan(20);
    expect(JSON.stringify(lines)).not.toContain('am9l');
  });
});
