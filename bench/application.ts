import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listening } from './listening.ts';
import { nginxConfig } from './nginx-config.ts';
import type { Program } from './program-group.ts';
import type { Stage } from './stage.ts';

/** What the callee's sidecar stands in front of. */
export interface Application {
  readonly program: Program;
  readonly port: number;
  /** What its paths answer, to tell whether it came through whole. */
  readonly bodies: Readonly<Record<ApplicationPath, Buffer>>;
}

export type ApplicationPath = '/small' | '/bulk';

const SMALL_BYTES = 100;
const BULK_BYTES = 16 * 1024 * 1024;

/** One nginx worker that serves a small body and a big one, and never ends a connection itself. */
export async function startApplication(
  stage: Pick<Stage, 'tools' | 'directory' | 'programs' | 'environment' | 'ports'>,
): Promise<Application> {
  const bodies = {
    '/small': Buffer.from(`${'x'.repeat(SMALL_BYTES - 1)}\n`),
    '/bulk': randomBytes(BULK_BYTES),
  };
  const root = join(stage.directory, 'application');
  mkdirSync(root);
  for (const [path, body] of Object.entries(bodies)) writeFileSync(join(root, path), body);
  const [port = 0] = await stage.ports(1);
  const config = nginxConfig(stage, {
    name: 'application',
    modules: [],
    body: `
      http {
        access_log off;
        sendfile on;
        open_file_cache max=16;
        client_body_temp_path ${root}/tmp; proxy_temp_path ${root}/tmp;
        fastcgi_temp_path ${root}/tmp; uwsgi_temp_path ${root}/tmp; scgi_temp_path ${root}/tmp;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
        server { listen 127.0.0.1:${port} backlog=4096; root ${root}; }
      }`,
  });
  const program = stage.programs.start({ name: 'application', ...config });
  await listening('the application', port, [program]);
  return { program, port, bodies };
}
