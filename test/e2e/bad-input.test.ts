import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { obtainSvid } from '../../src/agent/identity/obtain-svid.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { generateKeyPair } from '../../src/x509/key-pair.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { hauberk } from '../kit/hauberk.ts';

let plane: ControlPlaneRig;
let scratch: string;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  scratch = mkdtempSync(join(tmpdir(), 'hauberk-bad-'));
});
afterAll(async () => {
  await plane.close();
  rmSync(scratch, { recursive: true, force: true });
});

function file(name: string, content: string | Buffer): string {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}

function gigabyte(name: string): string {
  const path = file(name, '');
  truncateSync(path, 2 ** 30);
  return path;
}

function withDirectory(name: string): string {
  const dataDir = mkdtempSync(join(scratch, 'data-'));
  mkdirSync(join(dataDir, name));
  return dataDir;
}

function withPipe(name: string): string {
  const dataDir = mkdtempSync(join(scratch, 'data-'));
  execFileSync('mkfifo', [join(dataDir, name)]);
  return dataDir;
}

const FREE = ['--xds', '127.0.0.1:0', '--api-listen', '127.0.0.1:0', '--metrics', 'off'];
const GOOD = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: good, namespace: shop }\n';

describe('hauberk apply, given a bad file', () => {
  it.each<[string, string, string | Buffer, RegExp]>([
    [
      'an unknown kind',
      'kind.yaml',
      `${GOOD}---\napiVersion: v1\nkind: Gadget\nmetadata: { name: x }\n`,
      /kind\.yaml:\d+: .*Gadget/,
    ],
    [
      'an unknown field',
      'field.yaml',
      `${GOOD}---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: x, namespace: shop }\nspec:\n  mtls:\n    mood: STRICT\n`,
      /field\.yaml:\d+: .*spec\.mtls.*mood/,
    ],
    [
      'a wrong enum',
      'enum.yaml',
      `${GOOD}---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: x, namespace: shop }\nspec:\n  mtls:\n    mode: STRIKT\n`,
      /enum\.yaml:10: .*spec\.mtls\.mode.*STRIKT.*STRICT/,
    ],
    [
      'two documents with one name',
      'twice.yaml',
      `${GOOD}---\n${GOOD}`,
      /twice\.yaml:\d+: .*good.*line \d+/,
    ],
    ['10 MB', 'large.yaml', Buffer.alloc(10 * 1024 * 1024, 'a: b\n'), /large\.yaml.*at most/],
    [
      'binary',
      'binary.yaml',
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff]),
      /binary\.yaml:1: has the control character/,
    ],
    [
      'a namespace that does not exist',
      'nowhere.yaml',
      GOOD.replace('namespace: shop', 'namespace: nowhere'),
      /namespace "nowhere" does not exist; apply a Namespace/,
    ],
    [
      'a Secret that is not base64',
      'secret.yaml',
      'apiVersion: v1\nkind: Secret\nmetadata: { name: s, namespace: shop }\ndata: { a: "hunter2!" }\n',
      /secret\.yaml:4: Secret "s": data/,
    ],
  ])(
    '%s: one sentence with file, line and field, exit 1, nothing applied',
    async (_name, name, content, sentence) => {
      const { code, stdout, stderr } = await hauberk([
        'apply',
        '-f',
        file(name, content),
        '--data-dir',
        plane.dataDir,
      ]);
      expect(stderr).toMatch(sentence);
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).not.toContain('hunter2');
      expect([code, stdout]).toEqual([1, '']);
      const { stdout: accounts } = await hauberk([
        'get',
        'sa',
        '-n',
        'shop',
        '--data-dir',
        plane.dataDir,
      ]);
      expect(accounts).not.toContain('good');
    },
  );

  it('applies none of several files when the last has a mistake', async () => {
    const good = file('first.yaml', GOOD);
    const bad = file('second.yaml', 'apiVersion: v1\nkind: Gadget\nmetadata: { name: x }\n');
    const { code } = await hauberk(['apply', '-f', good, '-f', bad, '--data-dir', plane.dataDir]);
    expect(code).toBe(1);
    const { stdout } = await hauberk(['get', 'sa', '-n', 'shop', '--data-dir', plane.dataDir]);
    expect(stdout).not.toContain('good');
  });
});

describe('exit codes', () => {
  it.each<[string, () => readonly string[], number, RegExp]>([
    ['an unknown command', () => ['launch'], 2, /unknown command/],
    ['a missing flag', () => ['apply'], 2, /--filename/],
    [
      'a malformed flag',
      () => ['sidecar', '--inbound', 'x'],
      2,
      /--inbound "x" cannot be read; write it as/,
    ],
    [
      'a file that is not there',
      () => ['apply', '-f', '/no/such.yaml', '--data-dir', plane.dataDir],
      2,
      /cannot read "\/no\/such.yaml"/,
    ],
    [
      'an unknown kind to get',
      () => ['get', 'gadgets', '--data-dir', plane.dataDir],
      2,
      /the server doesn't have a resource type "gadgets"/,
    ],
    [
      'an object that is not there',
      () => ['get', 'sa', 'nobody', '-n', 'shop', '--data-dir', plane.dataDir],
      1,
      /not found/,
    ],
    [
      'a token for nobody',
      () => ['token', 'create', '--service-account', 'shop/nobody', '--data-dir', plane.dataDir],
      1,
      /ServiceAccount "shop\/nobody" does not exist; apply it first/,
    ],
    [
      'no control plane',
      () => ['get', 'sa', '--data-dir', scratch],
      3,
      /no control plane runs on the data directory .* start one with `hauberk up`/,
    ],
    [
      'a port in use',
      () => ['up', '--data-dir', join(scratch, 'second'), '--xds', `127.0.0.1:${plane.xdsPort}`],
      1,
      /cannot listen on 127\.0\.0\.1:\d+: another program listens there; stop it or choose another port/,
    ],
    [
      'a data directory in use',
      () => ['up', '--data-dir', plane.dataDir, '--xds', '127.0.0.1:0'],
      3,
      /in use/,
    ],
    [
      'a data directory that is a file',
      () => ['up', '--data-dir', file('plain', 'x'), '--xds', '127.0.0.1:0'],
      3,
      /cannot use ".*plain" as a directory/,
    ],
    [
      'a data directory without rights',
      () => ['up', '--data-dir', '/proc/hauberk', '--xds', '127.0.0.1:0'],
      3,
      /cannot use "\/proc\/hauberk" as a directory: .*; look at the path/,
    ],
    [
      'a token file of a gigabyte',
      () => ['sidecar', '--state-dir', join(scratch, 'none'), '--token-file', gigabyte('big')],
      2,
      /the token file ".*big" has 1073741824 bytes, at most 16384 are read; is it the right file\?/,
    ],
    [
      'a kubeconfig that cannot be written when all else runs already',
      () => ['up', '--data-dir', withDirectory('kubeconfig'), ...FREE],
      3,
      /cannot write ".*kubeconfig": it is a directory; move that away/,
    ],
    [
      'a pipe in the place of the audit log',
      () => ['up', '--data-dir', withPipe('audit.log'), ...FREE],
      3,
      /cannot write the audit log ".*audit\.log": it is a pipe; move that away/,
    ],
  ])('%s', async (_name, args, code, sentence) => {
    const result = await hauberk(args());
    expect(result.stderr).toMatch(sentence);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.code).toBe(code);
  });

  it('a corrupt database: 3, and what to do', async () => {
    const dataDir = join(scratch, 'corrupt');
    mkdirSync(dataDir, { mode: 0o700 });
    writeFileSync(join(dataDir, 'hauberk.db'), Buffer.alloc(8_192, 'not a database '));
    writeFileSync(join(dataDir, 'master.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`, {
      mode: 0o600,
    });
    const { code, stderr } = await hauberk(['up', '--data-dir', dataDir, '--xds', '127.0.0.1:0']);
    expect(stderr).toMatch(
      /hauberk\.db" is not a Hauberk database; move the file away or give another/,
    );
    expect(code).toBe(3);
  });

  it('a missing master key beside a database: 3, and no new key is made', async () => {
    const dataDir = join(scratch, 'keyless');
    mkdirSync(dataDir, { mode: 0o700 });
    writeFileSync(join(dataDir, 'hauberk.db'), '');
    const { code, stderr } = await hauberk(['up', '--data-dir', dataDir, '--xds', '127.0.0.1:0']);
    expect(stderr).toMatch(/master key ".*" is missing.*backup/);
    expect(code).toBe(3);
  });

  it('a sidecar port in use: 1, naming the port', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const tokenFile = file('reviews.token', await plane.createToken('shop', 'reviews'));
    const { code, stderr } = await hauberk([
      'sidecar',
      ...['--control-plane', `127.0.0.1:${plane.xdsPort}`, '--token-file', tokenFile],
      ...['--state-dir', join(scratch, 'sidecar'), '--hbone', `127.0.0.1:${port}`],
    ]);
    taken.close();
    expect(stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}`));
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(1);
  });

  it('a sidecar with a used token: 1, and what to do', async () => {
    const token = await plane.createToken('shop', 'reviews');
    const controlPlane = { host: '127.0.0.1', port: plane.xdsPort };
    const obtain = obtainSvid({
      address: controlPlane,
      rootNamespace: 'istio-system',
      token,
      clock: systemClock,
    });
    await obtain(undefined, generateKeyPair(), new AbortController().signal);
    const { code, stderr } = await hauberk([
      'sidecar',
      ...[
        '--control-plane',
        `127.0.0.1:${plane.xdsPort}`,
        '--token-file',
        file('used.token', token),
      ],
      ...['--state-dir', join(scratch, 'other'), '--hbone', '127.0.0.1:0'],
    ]);
    expect(stderr).toMatch(
      /enrolment token \w+ was used at .* make a new one with `hauberk token create`/,
    );
    expect(code).toBe(1);
  });
});

describe('help', () => {
  it.each(['demo', 'up', 'sidecar', 'token create', 'apply', 'get', 'delete'])(
    '%s shows an example',
    async (command) => {
      const { code, stdout } = await hauberk([...command.split(' '), '--help']);
      expect(stdout).toMatch(/Examples?:\n {2}\$ hauberk /);
      expect(code).toBe(0);
    },
  );
});
