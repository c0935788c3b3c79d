import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  AUTHZ_SERVICE,
  grpcAuthorizer,
  withAuthorizer,
} from '../../../test/kit/external-authorizer.ts';
import { authorizationPolicy, service } from '../../../test/kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  echoServer,
  readToEnd,
  SERVER_ID,
  startApp,
  until,
} from '../../../test/kit/proxy-pair.ts';

const provider = { envoyExtAuthzGrpc: AUTHZ_SERVICE };
const everything = [{}];

describe('a connection of TCP about which a provider is asked by gRPC', () => {
  it('passes when it agrees, and nothing of it before', async () => {
    const questions: unknown[] = [];
    const authorizer = grpcAuthorizer(async ({ attributes }) => {
      const { source, destination, request } = attributes ?? {};
      questions.push([source?.principal, destination?.principal, request]);
      await sleep(100);
      return { status: { code: 0 } };
    });
    await using app = await startApp(echoServer());
    const mesh = { app: app.address, authorizer, provider, rules: everything };
    await withAuthorizer(mesh, async ({ outbound, server }) => {
      const socket = await dial(outbound);
      socket.write('early ');
      await until(() => questions.length === 1);
      expect(app.sockets).toHaveLength(0);
      expect(await ask(socket, 'late')).toContain('early');
      socket.end();
      await readToEnd(socket);
      expect(server.events.opened).toHaveLength(1);
    });
    expect(questions).toEqual([[CLIENT_ID, SERVER_ID, undefined]]);
  });

  it('passes on a port that is declared to be no HTTP, and is cut when the provider is another', async () => {
    const authorizer = grpcAuthorizer(() => ({ status: { code: 0 } }));
    await using app = await startApp(echoServer());
    const mesh = { app: app.address, authorizer, provider, rules: everything };
    await withAuthorizer(mesh, async ({ outbound, inbound, server }) => {
      const { current } = server.facts;
      const database = service(
        {
          selector: { app: 'reviews' },
          ports: [{ name: 'tcp-db', port: 5432, targetPort: inbound.port }],
        },
        { name: 'database' },
      );
      server.facts.set({ ...current, services: [...current.services, database] });
      const socket = await dial(outbound);
      expect(await ask(socket, 'hello')).toBe('hello');
      expect(server.events.opened[0]?.decision).toContain('provider "ext" is asked');
      const ending = readToEnd(socket);
      const other = authorizationPolicy(
        { action: 'CUSTOM', provider: { name: 'nobody' }, rules: [{}] },
        { name: 'asks' },
      );
      server.facts.set({ ...server.facts.current, authorizationPolicies: [other] });
      await ending;
      expect(server.events.closed[0]?.reason).toBe('policy-changed');
    });
  });

  it.each([
    ['it refuses', 7, {}],
    ['it is wrong', 0, { port: 9001 }],
  ])('is cut when %s, and the application does not see it', async (_what, code, more) => {
    const authorizer = grpcAuthorizer(() => ({ status: { code } }));
    await using app = await startApp(echoServer());
    const asked = { envoyExtAuthzGrpc: { ...AUTHZ_SERVICE, ...more } };
    const mesh = { app: app.address, authorizer, provider: asked, rules: everything };
    await withAuthorizer(mesh, async ({ outbound, server }) => {
      const socket = await dial(outbound);
      socket.write('hello');
      expect((await readToEnd(socket)).received.toString()).toBe('');
      await until(() => server.events.denied.length === 1);
      expect(server.events.denied[0]).toMatchObject({
        reason: 'authorization',
        decision: expect.stringContaining('AuthorizationPolicy shop/asks rule[0]: provider "ext"'),
      });
      expect(app.sockets).toHaveLength(0);
    });
  });

  it('passes where nobody can be asked and that is how it was wanted', async () => {
    const authorizer = grpcAuthorizer(() => {
      throw new Error('broken');
    });
    await using app = await startApp(echoServer());
    const open = { envoyExtAuthzGrpc: { ...AUTHZ_SERVICE, failOpen: true } };
    const mesh = { app: app.address, authorizer, provider: open, rules: everything };
    await withAuthorizer(mesh, async ({ outbound }) => {
      const socket = await dial(outbound);
      expect(await ask(socket, 'hello')).toBe('hello');
      socket.destroy();
    });
  });

  it('is asked about too when its port could be HTTP and it is none', async () => {
    let asked = 0;
    const authorizer = grpcAuthorizer(() => {
      asked += 1;
      return { status: { code: 0 } };
    });
    await using app = await startApp(echoServer());
    // on TCP the rule is wider: it has no path to look at
    const rules = [{ to: [{ operation: { paths: ['/x'] } }] }];
    await withAuthorizer(
      { app: app.address, authorizer, provider, rules },
      async ({ outbound }) => {
        const socket = await dial(outbound);
        expect(await ask(socket, '\x00\x01binary')).toBe('\x00\x01binary');
        socket.destroy();
        expect(asked).toBe(1);
      },
    );
  });
});
