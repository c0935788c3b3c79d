import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type TestAuthority, testAuthority } from '../../../test/kit/test-authority.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { type BundleQuestion, fetchBundle } from './bundle-client.ts';
import { type EndpointSecrets, startBundleEndpoint } from './bundle-endpoint.ts';

const DOMAIN = 'partner.example';
const SERVER = `spiffe://${DOMAIN}/ns/istio-system/sa/hauberk`;
const authority = testAuthority({ trustDomain: DOMAIN });
const { signal } = new AbortController();
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function spiffeSecrets(by: TestAuthority = authority, id: string = SERVER): EndpointSecrets {
  return by.pems(by.issue(id));
}

function webSecrets(host: string): EndpointSecrets {
  const svid = authority.issue(SERVER, { uriSans: [], dnsSans: [host] });
  return authority.pems(svid);
}

async function endpoint(
  secrets: EndpointSecrets = spiffeSecrets(),
  document: () => Promise<string> = async () => authority.bundle.toJwks(),
): Promise<{ port: number; secrets: WatchableValue<EndpointSecrets> }> {
  const current = new WatchableValue(secrets);
  const listen = { host: '127.0.0.1', port: 0 };
  const { port, run } = await startBundleEndpoint({ listen, secrets: current, document });
  const stop = new AbortController();
  const ended = run(stop.signal);
  stops.push(async () => {
    stop.abort();
    await ended;
  });
  return { port, secrets: current };
}

/** Any HTTPS server, which answers as it is told. */
async function server(listener: RequestListener, secrets = spiffeSecrets()): Promise<number> {
  const started = createTlsServer(secrets, listener);
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  stops.push(async () => {
    started.closeAllConnections();
    await new Promise((resolve) => started.close(resolve));
  });
  return (started.address() as AddressInfo).port;
}

function ask(port: number, changes: Partial<BundleQuestion> = {}): Promise<TrustBundle> {
  return fetchBundle({
    trustDomain: authority.trustDomain,
    url: new URL(`https://127.0.0.1:${port}/`),
    profile: { type: 'https_spiffe', endpointId: SpiffeId.parse(SERVER) },
    bundles: ({ name }) => (name === DOMAIN ? authority.bundle : undefined),
    ...{ nowMs: Date.now(), signal, ...changes },
  });
}

const WEB = {
  profile: { type: 'https_web' },
  webRoots: authority.bundle.toPem(),
} as const;

describe('with https_spiffe', () => {
  it('fetches the bundle of an endpoint that proves to be the one expected', async () => {
    const { port } = await endpoint();
    const bundle = await ask(port);
    expect(bundle.x509Authorities.map(({ serial }) => serial)).toEqual([authority.root.serial]);
    expect(bundle.sequence).toBe(1);
  });

  it.each([
    [
      'another identity',
      () => spiffeSecrets(authority, `spiffe://${DOMAIN}/ns/x/sa/y`),
      /proved to be/,
    ],
    ['another authority', () => spiffeSecrets(testAuthority({ trustDomain: DOMAIN })), /./],
    [
      'another trust domain',
      () =>
        spiffeSecrets(
          testAuthority({ trustDomain: 'evil.example' }),
          'spiffe://evil.example/ns/a/sa/b',
        ),
      /no bundle here/,
    ],
    ['a web certificate', () => webSecrets('localhost'), /no URI SAN/],
  ])('refuses %s before it sends anything', async (_, secrets, message) => {
    let asked = 0;
    const port = await server(() => {
      asked += 1;
    }, secrets());
    await expect(ask(port)).rejects.toThrow(message);
    expect(asked).toBe(0);
  });

  it('shows a renewed certificate to the next who asks', async () => {
    const { port, secrets } = await endpoint(
      spiffeSecrets(authority, `spiffe://${DOMAIN}/ns/x/sa/y`),
    );
    await expect(ask(port)).rejects.toThrow(/proved to be/);
    secrets.set(spiffeSecrets());
    await expect(ask(port)).resolves.toMatchObject({ sequence: 1 });
  });
});

describe('with https_web', () => {
  it('takes a certificate for the host name by an authority that the machine trusts', async () => {
    const { port } = await endpoint(webSecrets('localhost'));
    const url = new URL(`https://localhost:${port}/`);
    await expect(ask(port, { ...WEB, url })).resolves.toMatchObject({ sequence: 1 });
  });

  it('refuses a certificate for another host', async () => {
    const { port } = await endpoint(webSecrets('other.example'));
    const url = new URL(`https://localhost:${port}/`);
    await expect(ask(port, { ...WEB, url })).rejects.toThrow(/altnames/i);
  });

  it('never falls back to it from https_spiffe, nor the other way round', async () => {
    const web = await endpoint(webSecrets('localhost'));
    const url = new URL(`https://localhost:${web.port}/`);
    await expect(ask(web.port, { url })).rejects.toThrow(/no URI SAN/);
    const spiffe = await endpoint();
    const localhost = new URL(`https://localhost:${spiffe.port}/`);
    await expect(ask(spiffe.port, { ...WEB, url: localhost })).rejects.toThrow();
    await expect(ask(spiffe.port, { ...WEB, url: localhost, webRoots: undefined })).rejects.toThrow(
      /self-signed|unable to/,
    );
  });
});

describe('redirects', () => {
  it('follows a temporary one to a server that proves itself by the same rules', async () => {
    const { port } = await endpoint();
    const from = await server((_, response) => {
      response.writeHead(307, { location: `https://127.0.0.1:${port}/` }).end();
    });
    await expect(ask(from)).resolves.toMatchObject({ sequence: 1 });
  });

  it.each([
    ['a permanent one', 308, 'https://127.0.0.1:1/', /permanent redirect \(308\)/],
    ['one to http', 302, 'http://127.0.0.1:1/', /must begin with https/],
    ['one with a password', 302, 'https://a:b@127.0.0.1:1/', /user or password/],
    ['one without an end', 302, '/', /redirects more than 3 times/],
  ])('refuses %s', async (_, status, location, message) => {
    const port = await server((_request, response) => {
      response.writeHead(status, { location }).end();
    });
    await expect(ask(port)).rejects.toThrow(message);
  });

  it('refuses one to a server of another identity', async () => {
    const other = await endpoint(spiffeSecrets(authority, `spiffe://${DOMAIN}/ns/x/sa/y`));
    const port = await server((_, response) => {
      response.writeHead(302, { location: `https://127.0.0.1:${other.port}/` }).end();
    });
    await expect(ask(port)).rejects.toThrow(/proved to be/);
  });
});

describe('what is answered', () => {
  it.each([
    ['a status that is none of success', 503, 'overloaded', /status 503/],
    ['a bundle under such a status', 500, authority.bundle.toJwks(), /status 500/],
    ['no JSON', 200, 'hello', /is not JSON/],
    ['JSON that is no bundle', 200, '{"error":"no"}', /no array "keys"/],
    ['more than 1 MiB', 200, ' '.repeat(1024 * 1024 + 1), /more than 1048576 bytes/],
  ])('is refused when it is %s', async (_, status, body, message) => {
    const port = await server((_request, response) => response.writeHead(status).end(body));
    await expect(ask(port)).rejects.toThrow(message);
  });

  it('has a deadline, headers or not', async () => {
    const silent = await server(() => undefined);
    await expect(ask(silent, { timeoutMs: 200 })).rejects.toThrow(/no answer within 200 ms/);
    const slow = await server((_, response) => response.writeHead(200).write('{'));
    await expect(ask(slow, { timeoutMs: 200 })).rejects.toThrow(/no answer within 200 ms/);
  });

  it('may be a bundle without keys, which means that all were revoked', async () => {
    const { port } = await endpoint(spiffeSecrets(), async () => '{"keys":[],"spiffe_sequence":7}');
    const bundle = await ask(port);
    expect(bundle).toMatchObject({ sequence: 7, x509Authorities: [] });
  });
});

it('says where nobody listens', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  await expect(ask(port)).rejects.toMatchObject({
    code: 'ERR_UNREACHABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

describe('the endpoint', () => {
  const fetchRaw = async (port: number, path: string, method: string) => {
    const { request } = await import('node:https');
    return await new Promise<{ status: number; type: string; body: string }>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, method, rejectUnauthorized: false };
      const sent = request(options, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({
            ...{ status: response.statusCode ?? 0, body },
            type: response.headers['content-type'] ?? '',
          }),
        );
      });
      sent.on('error', reject);
      sent.end();
    });
  };

  it('answers GET with JSON and asks for no client certificate', async () => {
    const { port } = await endpoint();
    const answer = await fetchRaw(port, '/', 'GET');
    expect(answer).toMatchObject({ status: 200, type: 'application/json' });
    expect(JSON.parse(answer.body)).toHaveProperty('keys');
  });

  it.each([
    ['/other', 'GET', 404],
    ['/', 'POST', 405],
    ['/', 'DELETE', 405],
  ])('answers %s %s with %i and nothing that could be a bundle', async (path, method, status) => {
    const { port } = await endpoint();
    const answer = await fetchRaw(port, path, method);
    expect(answer).toMatchObject({ status, type: 'text/plain; charset=utf-8' });
    expect(() => JSON.parse(answer.body)).toThrow();
  });

  it('answers 500 without a bundle when there is none to show', async () => {
    const { port } = await endpoint(spiffeSecrets(), async () => {
      throw new Error('the store is closed');
    });
    const answer = await fetchRaw(port, '/', 'GET');
    expect(answer.status).toBe(500);
    expect(() => JSON.parse(answer.body)).toThrow();
  });
});
