import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { eventually } from '../kit/eventually.ts';
import { type CliResult, hauberk } from '../kit/hauberk.ts';
import { testAuthority } from '../kit/test-authority.ts';

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));
let plane: ControlPlaneRig;
let scratch: string;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  scratch = mkdtempSync(join(tmpdir(), 'hauberk-cli-'));
});
afterAll(async () => {
  await plane.close();
  rmSync(scratch, { recursive: true, force: true });
});

const cli = (args: string, options: Parameters<typeof hauberk>[1] = {}): Promise<CliResult> =>
  hauberk(words(args), { ...options, env: { KUBECONFIG: plane.kubeconfig, ...options.env } });

async function good(args: string, stdin = ''): Promise<string> {
  const { code, stdout, stderr } = await cli(args, { stdin });
  expect(code, `hauberk ${args}\n${stderr}`).toBe(0);
  return stdout;
}

/** Split at spaces outside of single quotes. */
function words(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

const pa = (mode: string, name = 'default'): string =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: ${name}, namespace: shop }\nspec: { mtls: { mode: ${mode} } }\n`;

describe('hauberk apply', () => {
  it('says what became of each, and takes out what was taken out of the file', async () => {
    const map = (data: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: cm, namespace: shop }\ndata: { ${data} }\n`;
    expect(await good('apply -f -', map('a: one, b: two'))).toBe('configmap/cm created\n');
    expect(await good('apply -f -', map('a: one, b: two'))).toBe('configmap/cm unchanged\n');
    const patch = ['patch', 'cm', 'cm', '-n', 'shop', '-p', '{"data":{"others":"x"}}'];
    await hauberk(patch, { env: { KUBECONFIG: plane.kubeconfig } });
    expect(await good('apply -f -', map('a: three'))).toBe('configmap/cm configured\n');
    expect(await good('get cm cm -n shop -o jsonpath={.data}')).toBe('{"a":"three","others":"x"}');
  });

  it('reads directories, also those within, and with a dry run changes nothing', async () => {
    mkdirSync(join(scratch, 'all', 'inner'), { recursive: true });
    writeFileSync(join(scratch, 'all', 'a.yaml'), pa('STRICT', 'a'));
    writeFileSync(
      join(scratch, 'all', 'inner', 'b.json'),
      JSON.stringify(parse(pa('STRICT', 'b'))),
    );
    writeFileSync(join(scratch, 'all', 'README'), 'no manifest');
    const dry = await good(`apply -R -f ${scratch}/all --dry-run=server -o name`);
    expect(dry.trim().split('\n')).toHaveLength(2);
    expect((await cli('get pa a -n shop')).code).toBe(1);
    expect(await good(`apply -f ${scratch}/all`)).toContain('/a created');
    expect((await cli('get pa b -n shop')).code).toBe(1);
  });

  it('stores none of several objects when the server refuses the last, in a new namespace too', async () => {
    const file = `apiVersion: v1\nkind: Namespace\nmetadata: { name: fresh }\n---\n${pa('STRIKT').replace('shop', 'fresh')}`;
    const { code, stderr } = await cli('apply -f -', { stdin: file });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^hauberk: -:8: PeerAuthentication "default": spec\.mtls\.mode: .*STRIKT/,
    );
    expect((await cli('get ns fresh')).code).toBe(1);
    expect(await good('apply -f -', file.replace('STRIKT', 'STRICT'))).toContain(
      'namespace/fresh created',
    );
  });

  it('names the owner of a field that two want, and takes it when told so', async () => {
    await good('apply --server-side --field-manager one -f -', pa('STRICT', 'owned'));
    const second = await cli('apply --server-side --field-manager two -f -', {
      stdin: pa('DISABLE', 'owned'),
    });
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(
      /\.spec\.mtls\.mode: conflict with "one"[\s\S]*--force-conflicts/,
    );
    const forced = 'apply --server-side --field-manager two --force-conflicts -f -';
    expect(await good(forced, pa('DISABLE', 'owned'))).toContain('serverside-applied');
  });
});

describe('hauberk get', () => {
  it('prints several types, selected, sorted, in every form', async () => {
    await plane.apply([pa('STRICT', 'z1'), pa('DISABLE', 'z2')].join('---\n'));
    const both = await good('get sa,pa -n shop -l app=reviews');
    expect(both).toMatch(/^NAME +AGE\nserviceaccount\/reviews/);
    expect(both).not.toContain('peerauthentication');
    const sorted = await good('get pa z1 z2 -n shop --sort-by .spec.mtls.mode -o name');
    expect(
      sorted
        .trim()
        .split('\n')
        .map((line) => line.split('/')[1]),
    ).toEqual(['z2', 'z1']);
    expect(await good('get pa z1 -n shop -o custom-columns=M:.spec.mtls.mode --no-headers')).toBe(
      'STRICT\n',
    );
    expect(
      JSON.parse(await good('get pa/z1 -n shop -o json')).metadata.managedFields,
    ).toBeUndefined();
    expect(await good('get --raw /version')).toContain('gitVersion');
    expect(await good('get pa -n shop --field-selector metadata.name=z1 -o name')).toContain('/z1');
    expect(await good('get sa -n shop --chunk-size 1 --no-headers')).toMatch(
      /default[\s\S]*products[\s\S]*reviews/,
    );
    expect((await cli('get sa -n nowhere')).stderr).toBe(
      'No resources found in nowhere namespace\n',
    );
  });

  it('shows changes as they come, until Ctrl-C', async () => {
    const args = [
      'get',
      'pa',
      '-n',
      'shop',
      '-w',
      '--output-watch-events',
      '--field-selector',
      'metadata.name=seen',
    ];
    const child = spawn(process.execPath, [binary, ...args], {
      env: { PATH: process.env['PATH'] ?? '', KUBECONFIG: plane.kubeconfig },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await plane.apply(pa('STRICT', 'seen'));
    await eventually('a change', () => /ADDED +seen +STRICT/.test(text));
    await plane.apply(pa('DISABLE', 'seen'));
    await eventually('a change', () => /MODIFIED +seen +DISABLE/.test(text));
    await plane.operator.delete('pa', { namespace: 'shop', name: 'seen' });
    await eventually('a change', () => /DELETED +seen/.test(text));
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  });
});

it('hauberk edit opens what was refused again, with the reason, and stores what is good', async () => {
  await plane.apply(pa('STRICT', 'edited'));
  const editor = join(scratch, 'editor.sh');
  const second = join(scratch, 'second.yaml');
  writeFileSync(
    editor,
    `#!/bin/sh\nif grep -q '^# .*NOPE' "$1"; then cp "$1" ${second}; sed -i 's/mode: NOPE/mode: DISABLE/' "$1"; else sed -i 's/mode: STRICT/mode: NOPE/' "$1"; fi\n`,
    { mode: 0o755 },
  );
  const edited = await cli('edit pa edited -n shop', { env: { KUBE_EDITOR: editor } });
  expect(edited).toMatchObject({
    code: 0,
    stdout: 'peerauthentication.security.istio.io/edited edited\n',
  });
  expect(readFileSync(second, 'utf8')).toMatch(/^# .*"NOPE": supported values/);
  expect(await good('get pa edited -n shop -o jsonpath={.spec.mtls.mode}')).toBe('DISABLE');
  const nothing = await cli('edit pa edited -n shop', { env: { EDITOR: 'true' } });
  expect(nothing).toMatchObject({ code: 0, stderr: 'Edit cancelled, no changes made.\n' });
  const broken = await cli('edit pa edited -n shop', { env: { EDITOR: 'false' } });
  expect(broken.code).toBe(3);
});

describe('hauberk wait and delete', () => {
  it('wait for fields, for the end, and no longer than they may', async () => {
    expect(await good('wait ns/shop --for=jsonpath={.status.phase}=Active')).toContain(
      'condition met',
    );
    const late = await cli('wait ns/shop --for=condition=Ready --timeout 200ms');
    expect(late.code).toBe(3);
    expect(late.stderr).toContain('timed out waiting for the condition on namespace/shop');
    expect((await cli('wait ns/nobody --for=condition=Ready')).code).toBe(1);
    expect(await good('wait ns/nobody --for=delete')).toContain('namespace/nobody deleted');
  });

  it('deletion waits for finalizers, and says which hold when time is up', async () => {
    await plane.apply(
      pa('STRICT', 'held').replace('name: held', 'name: held, finalizers: [example.com/x]'),
    );
    const held = await cli('delete pa held -n shop --timeout 300ms');
    expect(held).toMatchObject({ code: 3, stderr: expect.stringContaining('example.com/x') });
    const release = `patch pa held -n shop -p '{"metadata":{"finalizers":null}}'`;
    const [waited] = await Promise.all([cli('delete pa held -n shop'), good(release)]);
    expect([0, 1]).toContain(waited.code);
    expect((await cli('get pa held -n shop')).code).toBe(1);
  });

  it('delete what a selector finds, and refuses to guess', async () => {
    await plane.apply(
      pa('STRICT', 'doomed').replace('name: doomed', 'name: doomed, labels: { gone: soon }'),
    );
    expect(await good('delete pa -n shop -l gone=soon')).toContain('/doomed deleted');
    expect((await cli('delete pa -n shop')).code).toBe(2);
    expect((await cli('delete pa nobody -n shop')).code).toBe(1);
    await good('delete pa nobody -n shop --ignore-not-found');
  });
});

it.each(['add Foo --endpoint https://foo.example/ --profile https_web', 'show Foo', 'remove Foo'])(
  'hauberk federation %s is wrong usage',
  async (args) => {
    expect(await cli(`federation ${args}`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"Foo" is not a trust domain: write it in lower case'),
    });
  },
);

it('hauberk describe, explain, logs, events, patch and api-resources answer', async () => {
  await plane.apply(pa('STRICT', 'about'));
  expect(await good('describe pa abou -n shop')).toMatch(
    /Name: +about[\s\S]*Mode: +STRICT[\s\S]*Events:/,
  );
  expect(await good('explain dr.spec.trafficPolicy.tls.mode')).toMatch(
    /FIELD: mode <string>[\s\S]*ENUM:\n {4}DISABLE/,
  );
  expect(await good('explain pa --recursive')).toMatch(/^ {4}mtls\t<Object>\n {6}mode\t<string>/m);
  const misspelt = await cli('explain dr.spec.hosst');
  expect(misspelt).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean "host"?'),
  });
  const logged = await good('logs -n istio-system -l app=istiod --tail 2 --prefix');
  expect(logged.trim().split('\n')).toEqual([
    expect.stringMatching(/^\[pod\/istiod-0\/\S+\] \{/),
    expect.stringMatching(/^\[pod\/istiod-0\/\S+\] \{/),
  ]);
  expect(await good('logs -n istio-system deploy/istiod --since 1h')).toContain('resource.created');
  expect((await cli('events -n shop --types Warning')).code).toBe(0);
  expect(await good('api-resources --api-group security.istio.io')).toMatch(
    /peerauthentications +pa +security.istio.io\/v1 +true/,
  );
  const json = `[{"op":"replace","path":"/spec/mtls/mode","value":"DISABLE"}]`;
  expect(await good(`patch pa about -n shop --type json -p '${json}'`)).toContain('patched');
  expect(await good('completion bash')).toContain('complete -F _hauberk hauberk');
});

describe('who may do what', () => {
  it('is asked for what no Kubernetes has, too, and is on the record by name', async () => {
    const nobody = await cli('ca status --as joe');
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain('User "joe" cannot get path "/hauberk/v1/ca/status"');
    const binding = (kind: string, role: string, name: string, namespace = ''): string =>
      `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata: { name: ${name}${namespace} }\nroleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ${role} }\nsubjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: joe }]\n`;
    await plane.apply(
      [
        binding('ClusterRoleBinding', 'hauberk-observer', 'joe'),
        binding('RoleBinding', 'edit', 'joe', ', namespace: shop'),
      ].join('---\n'),
    );
    expect(await good('ca status --as joe')).toContain('trust domain "cluster.local"');
    expect((await cli('ca rotate --as joe')).code).toBe(1);
    expect((await cli('rollback --all --to 2026-01-31T12:00:00Z --as joe')).code).toBe(1);
    expect((await cli('token create --service-account shop/reviews --as joe')).code).toBe(0);
    expect(plane.audit().at(-1)).toMatchObject({
      ...{ event: 'token.create', actor: 'joe (impersonated by hauberk-admin)' },
    });
    const elsewhere = await cli('token create --service-account default/default --as joe');
    expect(elsewhere.stderr).toContain('cannot create resource "serviceaccounts/enrolment"');
    expect((await cli('rollback secret hauberk-api-client-ca -n istio-system --as joe')).code).toBe(
      1,
    );
    expect((await cli('history pa default -n default --as joe')).stderr).toContain(
      'peerauthentications/history',
    );
  });
});

describe('when the API cannot be asked, hauberk says what to do', () => {
  const changed = (change: (config: ReturnType<typeof parse>) => void): string => {
    const config = parse(readFileSync(plane.kubeconfig, 'utf8'));
    change(config);
    const path = join(scratch, 'changed');
    writeFileSync(path, stringify(config));
    return path;
  };
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  it.each<[string, () => string, number, RegExp]>([
    [
      'no kubeconfig',
      () => join(scratch, 'none'),
      2,
      /no such file; name another with --kubeconfig/,
    ],
    [
      'nobody there',
      () =>
        changed(({ clusters }) => {
          clusters[0].cluster.server = 'https://127.0.0.1:1';
        }),
      3,
      /no control plane answers at https:\/\/127\.0\.0\.1:1.*hauberk up/,
    ],
    [
      'another CA',
      () =>
        changed(({ clusters }) => {
          const ca = testAuthority().bundle.toPem();
          clusters[0].cluster['certificate-authority-data'] = base64(ca);
        }),
      3,
      /is not of the CA in .*copy the kubeconfig/,
    ],
    [
      'another name',
      () =>
        changed(({ clusters }) => {
          clusters[0].cluster['tls-server-name'] = 'example.com';
        }),
      3,
      /other names than its address/,
    ],
    [
      'a token that nobody issued',
      () =>
        changed(({ users }) => {
          users[0].user = { token: 'nonsense' };
        }),
      1,
      /Unauthorized\): the token in .* is not accepted/,
    ],
    [
      'no credentials',
      () =>
        changed(({ users }) => {
          users[0].user = {};
        }),
      1,
      /Forbidden\): .*system:anonymous/,
    ],
  ])('%s', async (_name, kubeconfig, code, sentence) => {
    const answer = await hauberk(['get', 'ns', '--kubeconfig', kubeconfig()]);
    expect(answer.stderr).toMatch(sentence);
    expect(answer.stderr).not.toMatch(/\n\s+at /);
    expect(answer.code).toBe(code);
  });

  it('no control plane was ever here', async () => {
    const answer = await hauberk(['get', 'ns'], { env: { HOME: scratch } });
    expect(answer.code).toBe(3);
    expect(answer.stderr).toMatch(
      /no control plane runs on the data directory .*\.hauberk"; start one/,
    );
  });
});
