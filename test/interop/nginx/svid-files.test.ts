import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileSink, type FileSinkConfig } from '../../../src/agent/files/file-sink.ts';
import { spiffeHelperNames } from '../../../src/agent/files/svid-files.ts';
import { servedCertificate } from '../../../src/agent/socket/served-certificate.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { WatchableValue } from '../../../src/lib/watchable.ts';
import { eventually } from '../../kit/eventually.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { peer } from '../../kit/peer.ts';
import { LOOPBACK } from '../../kit/proxy-pair.ts';
import { testAuthority } from '../../kit/test-authority.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/web';
const PATIENCE_MS = 60_000;

/** An nginx that serves the files over TLS and asks callers for a certificate of the same mesh. */
class Nginx implements AsyncDisposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'hauberk-nginx-'));
  readonly svid: string = join(this.directory, 'svid');
  readonly pidFile: string = join(this.directory, 'nginx.pid');
  readonly port: number;
  #child: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async prepare(): Promise<Nginx> {
    const [port = 0] = await freePorts(1);
    return new Nginx(port);
  }

  async start(binary: string): Promise<void> {
    const { directory, svid, port } = this;
    mkdirSync(join(directory, 'temp'), { recursive: true });
    const temp = (name: string) => `${name}_temp_path ${directory}/temp;`;
    writeFileSync(
      join(directory, 'nginx.conf'),
      `daemon off; pid ${this.pidFile}; error_log ${directory}/error.log; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(temp).join(' ')}
  server {
    listen ${LOOPBACK}:${port} ssl;
    ssl_certificate ${svid}/svid.pem;
    ssl_certificate_key ${svid}/svid_key.pem;
    ssl_client_certificate ${svid}/svid_bundle.pem;
    ssl_verify_client on; ssl_verify_depth 3;
    location / { return 200 ok; }
  }
}
`,
    );
    this.#child = spawn(
      binary,
      ['-c', join(directory, 'nginx.conf'), '-e', join(directory, 'error.log')],
      {
        stdio: 'ignore',
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

peer('nginx', (binary) => {
  it.each(['command', 'pid-file'] as const)(
    'serves each new certificate after a %s told it to read the files anew',
    async (kind) => {
      await using nginx = await Nginx.prepare();
      const { svid: directory, pidFile, port } = nginx;
      const authority = testAuthority();
      const identity = new WatchableValue(authority.identity(ID));
      const hook: FileSinkConfig['hook'] =
        kind === 'command'
          ? { kind, command: `kill -HUP "$(cat ${pidFile})"` }
          : { kind, path: pidFile, signal: 'SIGHUP' };
      const told: string[] = [];
      const sink = new FileSink({
        ...{ directory, names: spiffeHelperNames, hook, identity, clock: systemClock },
        verify: { host: LOOPBACK, port },
        events: {
          written: ({ serial }) => told.push(`written ${serial}`),
          failed: () => undefined,
          served: ({ serial }) => told.push(`served ${serial}`),
          notServed: ({ reason }) => told.push(`not served: ${reason}`),
        },
      });
      const controller = new AbortController();
      const running = sink.run(controller.signal);
      await eventually('the first files', () => sink.status.serial !== undefined);
      await nginx.start(binary);
      for (let i = 0; i < 4; i++) {
        const serial = identity.current.svid.chain[0]?.serial ?? '';
        const served = () => sink.status.serial === serial && sink.status.state === 'served';
        await eventually('it is served', served, PATIENCE_MS);
        // A worker of the configuration before may still take a connection while it ends.
        await eventually('it is shown', async () => {
          const shown = await servedCertificate({ host: LOOPBACK, port }, identity.current);
          return 'serial' in shown && shown.serial === serial;
        });
        identity.set(authority.identity(ID));
      }
      controller.abort();
      await running;
      expect(told.filter((text) => text.startsWith('not served'))).toEqual([]);
    },
  );

  it('that is not told goes on with the certificate before, and a handshake shows it', async () => {
    await using nginx = await Nginx.prepare();
    const { svid: directory, port } = nginx;
    const authority = testAuthority();
    const identity = new WatchableValue(authority.identity(ID));
    const sink = new FileSink({
      ...{ directory, names: spiffeHelperNames, hook: undefined, identity, clock: systemClock },
      verify: { host: LOOPBACK, port },
      events: {
        ...{ written: () => undefined, failed: () => undefined },
        ...{ served: () => undefined, notServed: () => undefined },
      },
    });
    const controller = new AbortController();
    const running = sink.run(controller.signal);
    await eventually('the first files', () => sink.status.serial !== undefined);
    await nginx.start(binary);
    await eventually('it is served', () => sink.status.state === 'served', PATIENCE_MS);
    const before = identity.current.svid.chain[0]?.serial;
    identity.set(authority.identity(ID));
    await eventually('it is noticed', () => sink.status.problem !== undefined, PATIENCE_MS);
    expect(sink.status.problem).toBe(`${LOOPBACK}:${port}: it serves certificate ${before}`);
    controller.abort();
    await running;
  });
});
