import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgramSpec } from './program-group.ts';
import type { Stage } from './stage.ts';

export interface NginxOptions {
  readonly name: string;
  readonly modules: readonly string[];
  /** The `http` or `stream` block. */
  readonly body: string;
}

const ROOT_USER = 0;

/** The command line of an nginx with one worker and a configuration file of its own. */
export function nginxConfig(
  { tools, directory, environment }: Pick<Stage, 'tools' | 'directory' | 'environment'>,
  { name, modules, body }: NginxOptions,
): Omit<ProgramSpec, 'name'> {
  const file = join(directory, `${name}.nginx.conf`);
  // As root, nginx would give its worker to a user who may not enter our directory.
  const user = process.getuid?.() === ROOT_USER ? 'user root;' : '';
  const loads = modules.map((module) => `load_module ${module};`).join('\n');
  writeFileSync(
    file,
    `${loads}
    ${user}
    daemon off;
    worker_processes 1;
    worker_rlimit_nofile 16384;
    pid ${directory}/${name}.pid;
    error_log stderr warn;
    events { worker_connections 8192; }
    ${body}\n`,
  );
  const args = ['-p', directory, '-c', file, '-e', 'stderr'];
  return { command: tools.nginx, args, env: environment };
}
