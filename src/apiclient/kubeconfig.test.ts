import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { MeshError } from '../lib/errors.ts';
import { readKubeconfig } from './kubeconfig.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-kubeconfig-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const CA = '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
  readonly current?: string;
}

function configOf({ cluster, user, context, current = 'mesh' }: Parts = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.5:6443', ...cluster } }],
    users: [{ name: 'u', user: user ?? { token: 'abc' } }],
    contexts: [{ name: 'mesh', context: { cluster: 'c', user: 'u', ...context } }],
    'current-context': current,
  };
}

let files = 0;
function write(content: object | string): string {
  files += 1;
  const path = join(directory, `config-${files}`);
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
}

const read = (content: object | string, context?: string) =>
  readKubeconfig({ paths: [write(content)], context });

describe('readKubeconfig', () => {
  it('finds server, CA, certificate and namespace of the current context', () => {
    const user = { 'client-certificate-data': base64(CA), 'client-key-data': base64(KEY) };
    const cluster = { 'certificate-authority-data': base64(CA), 'tls-server-name': 'api' };
    const access = read(configOf({ user, cluster, context: { namespace: 'shop' } }));
    expect(access).toMatchObject({
      ...{ ca: CA, serverName: 'api', namespace: 'shop' },
      credentials: { by: 'certificate', cert: CA, key: KEY },
    });
    expect(access.server.host).toBe('10.0.0.5:6443');
  });

  it('reads what it points to beside itself', () => {
    mkdirSync(join(directory, 'pki'), { recursive: true });
    writeFileSync(join(directory, 'pki', 'ca.pem'), CA);
    writeFileSync(join(directory, 'pki', 'token'), 'abc.def\n');
    const cluster = { 'certificate-authority': 'pki/ca.pem' };
    const access = read(configOf({ cluster, user: { tokenFile: 'pki/token' } }));
    expect(access).toMatchObject({ ca: CA, credentials: { by: 'token', token: 'abc.def' } });
  });

  it('takes the first file that names a thing, and --context before current-context', () => {
    const first = write({ 'current-context': 'other' });
    const second = write(configOf());
    expect(() => readKubeconfig({ paths: [first, second] })).toThrow(
      /no context "other"; it has mesh/,
    );
    expect(readKubeconfig({ paths: [first, second], context: 'mesh' }).source).toBe(second);
  });

  it.each<[string, object | string, RegExp]>([
    ['no YAML', '{ a: [', /is not YAML/],
    ['a list', '- a', /not a YAML object/],
    ['no current context', { ...configOf(), 'current-context': '' }, /has no current-context/],
    [
      'a cluster that is not there',
      configOf({ context: { cluster: 'x' } }),
      /cluster "x".*not there/,
    ],
    ['a user that is not there', configOf({ context: { user: 'x' } }), /user "x".*not there/],
    ['plain HTTP', configOf({ cluster: { server: 'http://a:1' } }), /"http:\/\/a:1".*https/],
    [
      'a server that nobody verifies',
      configOf({ cluster: { 'insecure-skip-tls-verify': true } }),
      /nobody would know who answers/,
    ],
    ['a proxy', configOf({ cluster: { 'proxy-url': 'http://p' } }), /proxy-url/],
    [
      'a CA that is none',
      configOf({ cluster: { 'certificate-authority-data': 'AAAA' } }),
      /not PEM/,
    ],
    [
      'a certificate without key',
      configOf({ user: { 'client-certificate-data': base64(CA) } }),
      /without its key/,
    ],
    ['a program to run', configOf({ user: { exec: { command: 'x' } } }), /program to run.*exec/],
    ['a password', configOf({ user: { username: 'joe', password: 'p' } }), /a password/],
    ['a token of two lines', configOf({ user: { token: 'a\nb: c' } }), /characters that no token/],
  ])('refuses %s', (_, content, sentence) => {
    expect(() => read(content)).toThrow(sentence);
  });

  it('quotes neither keys nor tokens', () => {
    const user = { 'client-key-data': base64(KEY), token: 'hunter2 hunter2' };
    expect(() => read(configOf({ user }))).toThrow(/^(?!.*hunter2)/s);
    expect(() => read(`users: [{ token: "hunter2", a: [`)).toThrow(/^(?!.*hunter2)/s);
  });

  it('says of a file that is not there, or is huge, what to do', () => {
    expect(() => readKubeconfig({ paths: ['/no/such'] })).toThrow(
      /no such file; name another with/,
    );
    expect(() => read('#'.repeat(5 * 1024 * 1024))).toThrow(/larger than/);
  });

  it('reads or refuses any text, and never fails otherwise', () => {
    const path = write('');
    const config = fc.record({
      clusters: fc.anything(),
      users: fc.anything(),
      contexts: fc.anything(),
      'current-context': fc.anything(),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          config.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          writeFileSync(path, text ?? '');
          try {
            readKubeconfig({ paths: [path] });
          } catch (error) {
            expect(MeshError.is(error, 'ERR_USAGE')).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
