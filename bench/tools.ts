import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MeshError } from '../src/lib/errors.ts';

/** Paths of the programs that are measured or that measure. */
export interface Tools {
  readonly wrk: string;
  readonly nginx: string;
  readonly haproxy: string;
  /** As `scripts/install-peers.sh` installs it. */
  readonly envoy: string;
  /** The `stream` module, which nginx loads. */
  readonly nginxStream: string;
}

/** Where Debian puts servers, which is not on the PATH of an ordinary user. */
const SERVER_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin'];
const PEERS = fileURLToPath(new URL('../.cache/peers/bin', import.meta.url));
const MODULE_DIRECTORIES = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules'];

/** @throws {MeshError} ERR_UNREACHABLE that names what is missing and the packages to install. */
export function findTools(path: string): Tools {
  const programs = [...path.split(delimiter), ...SERVER_DIRECTORIES];
  const missing: string[] = [];
  const find = (name: string, directories: readonly string[], mode: number): string => {
    const found = directories
      .map((directory) => join(directory, name))
      .find((file) => has(file, mode));
    if (found === undefined) missing.push(name);
    return found ?? name;
  };
  const tools = {
    wrk: find('wrk', programs, constants.X_OK),
    nginx: find('nginx', programs, constants.X_OK),
    haproxy: find('haproxy', programs, constants.X_OK),
    envoy: find('envoy-1.40', [PEERS], constants.X_OK),
    nginxStream: find('ngx_stream_module.so', MODULE_DIRECTORIES, constants.R_OK),
  };
  if (missing.length === 0) return tools;
  throw new MeshError(
    'ERR_UNREACHABLE',
    `the benchmark needs ${missing.join(', ')}, which Debian has in the packages nginx libnginx-mod-stream haproxy wrk; Envoy comes by scripts/install-peers.sh`,
  );
}

function has(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}
