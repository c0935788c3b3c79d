import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { ApiAccess } from './api-access.ts';

export interface KubeconfigChoice {
  /** The files, the first one that names a thing decides. */
  readonly paths: readonly string[];
  /** Default: the `current-context`. */
  readonly context?: string | undefined;
}

const LARGEST_FILE = 4 * 1024 * 1024;
const MOST_FILES = 64;
const MOST_ALIASES = 100;

type Fields = Readonly<Record<string, unknown>>;

/** Something that a kubeconfig has under a name, with the file that has it. */
interface Named {
  readonly file: string;
  readonly value: Fields;
}

/**
 * How to reach the API server that kubeconfig files name, read as kubectl reads them. What they point
 * to (certificates, keys, tokens) is read too.
 *
 * @throws {MeshError} ERR_USAGE naming the file and what to do: for what cannot be read or is not there,
 *   and for what is refused: plain HTTP, unverified servers, passwords, proxies, programs to run.
 */
export function readKubeconfig({ paths, context }: KubeconfigChoice): ApiAccess {
  if (paths.length > MOST_FILES) throw usage(`KUBECONFIG names more than ${MOST_FILES} files`);
  const files = paths.map((path) => ({ path, config: readConfig(path) }));
  const [first] = files;
  if (first === undefined) throw usage('no kubeconfig is named; give --kubeconfig FILE');
  const named = (list: string, name: string): Named | undefined => find(files, list, name);
  const chosen =
    context ?? files.map(({ config }) => text(config['current-context'])).find((one) => one !== '');
  const source = paths.join(':');
  if (chosen === undefined) {
    throw usage(`${source} has no current-context; name one of its contexts with --context`);
  }
  const inContext = named('contexts', chosen);
  if (inContext === undefined) {
    const known = files.flatMap(({ config }) => namesIn(config, 'contexts'));
    throw usage(`${source} has no context "${chosen}"; it has ${listed(known)}`);
  }
  const binding = record(inContext.value['context']);
  const clusterName = text(binding['cluster']);
  const cluster = named('clusters', clusterName);
  if (cluster === undefined) {
    throw usage(
      `context "${chosen}" of ${source} names the cluster "${clusterName}", which is not there`,
    );
  }
  const userName = text(binding['user']);
  const user = userName === '' ? undefined : named('users', userName);
  if (userName !== '' && user === undefined) {
    throw usage(
      `context "${chosen}" of ${source} names the user "${userName}", which is not there`,
    );
  }
  const about = record(user?.value['user']);
  const namespace = text(binding['namespace']);
  return {
    ...clusterOf(cluster),
    credentials: user === undefined ? { by: 'nothing' } : credentialsOf(about, user.file),
    impersonate: impersonationOf(about),
    namespace: namespace === '' ? undefined : namespace,
    source: cluster.file,
  };
}

function readConfig(path: string): Fields {
  const unreadable = (why: string, cause?: unknown): MeshError =>
    new MeshError(
      'ERR_USAGE',
      `cannot use the kubeconfig "${path}": ${why}; name another with --kubeconfig or KUBECONFIG`,
      { cause },
    );
  let content: string;
  try {
    if (statSync(path).size > LARGEST_FILE)
      throw unreadable(`it is larger than ${LARGEST_FILE} bytes`);
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if (MeshError.is(error)) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw unreadable(code === 'ENOENT' ? 'there is no such file' : messageOf(error), error);
  }
  let value: unknown;
  try {
    value = parse(content, { version: '1.1', maxAliasCount: MOST_ALIASES, logLevel: 'error' });
  } catch (error) {
    // Not with the parser's words: they quote lines, and there are keys in it.
    throw unreadable('it is not YAML', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unreadable('it is not a YAML object');
  }
  return value as Fields;
}

function find(
  files: readonly { readonly path: string; readonly config: Fields }[],
  list: string,
  name: string,
): Named | undefined {
  for (const { path, config } of files) {
    const items = config[list];
    const found = Array.isArray(items)
      ? items.map(record).find((item) => item['name'] === name)
      : undefined;
    if (found !== undefined) return { file: path, value: found };
  }
  return undefined;
}

function namesIn(config: Fields, list: string): readonly string[] {
  const items = config[list];
  return Array.isArray(items) ? items.map((item) => text(record(item)['name'])) : [];
}

function clusterOf({ file, value }: Named): Pick<ApiAccess, 'server' | 'ca' | 'serverName'> {
  const cluster = record(value['cluster']);
  const address = text(cluster['server']);
  const server = URL.parse(address);
  if (server === null || server.protocol !== 'https:') {
    throw usage(
      `the server ${JSON.stringify(address.slice(0, 200))} of ${file} cannot be used; it must be a URL with https`,
    );
  }
  if (cluster['insecure-skip-tls-verify'] === true) {
    throw usage(
      `${file} says insecure-skip-tls-verify: nobody would know who answers; put certificate-authority-data in its place`,
    );
  }
  if (text(cluster['proxy-url']) !== '')
    throw usage(`${file} has a proxy-url, which is not supported`);
  const serverName = text(cluster['tls-server-name']);
  return {
    server,
    ca: pemOf(cluster, 'certificate-authority', file),
    serverName: serverName === '' ? undefined : serverName,
  };
}

function credentialsOf(user: Fields, file: string): ApiAccess['credentials'] {
  const cert = pemOf(user, 'client-certificate', file);
  const key = pemOf(user, 'client-key', file);
  if (cert !== undefined && key !== undefined) return { by: 'certificate', cert, key };
  if (cert !== undefined || key !== undefined) {
    throw usage(`${file} has a client certificate without its key, or a key without certificate`);
  }
  const token = tokenOf(user, file);
  if (token !== '') return { by: 'token', token };
  for (const [field, instead] of [
    ['exec', 'a program to run for its token'],
    ['auth-provider', 'an auth-provider'],
    ['username', 'a password'],
  ] as const) {
    if (user[field] === undefined) continue;
    throw usage(
      `${file} has ${instead} (${field}), which is not supported; use a client certificate, or a token: kubectl create token NAME`,
    );
  }
  return { by: 'nothing' };
}

function tokenOf(user: Fields, file: string): string {
  const given = text(user['token']);
  const tokenFile = text(user['tokenFile']);
  const token = given !== '' || tokenFile === '' ? given : readBeside(file, tokenFile).trim();
  if (token === '' || /^[\x21-\x7e]{1,16384}$/.test(token)) return token;
  throw usage(`the token of ${file} has characters that no token has`);
}

function impersonationOf(user: Fields): ApiAccess['impersonate'] {
  const name = text(user['as']);
  if (name === '') return undefined;
  const groups = user['as-groups'];
  return { user: name, groups: Array.isArray(groups) ? groups.map(text) : [] };
}

/** Base64 in the file itself, or the path of another. */
function pemOf(fields: Fields, name: string, file: string): string | undefined {
  const data = text(fields[`${name}-data`]);
  const path = text(fields[name]);
  if (data === '' && path === '') return undefined;
  const pem = data === '' ? readBeside(file, path) : Buffer.from(data, 'base64').toString();
  if (pem.includes('-----BEGIN ')) return pem;
  throw usage(`the ${name} of ${file} is not PEM${data === '' ? '' : ' in base64'}`);
}

/** Paths in a kubeconfig are relative to it. */
function readBeside(file: string, path: string): string {
  const whole = isAbsolute(path) ? path : join(dirname(file), path);
  try {
    if (statSync(whole).size > LARGEST_FILE) throw new Error('it is too large');
    return readFileSync(whole, 'utf8');
  } catch (cause) {
    throw new MeshError(
      'ERR_USAGE',
      `cannot read "${whole}", which ${file} names: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function record(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.slice(0, 20).join(', ');
}

function usage(message: string): MeshError {
  return new MeshError('ERR_USAGE', message);
}
